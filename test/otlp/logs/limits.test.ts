import { describe, expect, test, vi } from 'vitest';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { type DecodeOptions, decodeLogs, decodeLogsJson, encodeLogs, encodeLogsJson } from '../../../src/otlp/index.ts';
import { field, logBombs } from '../../support/bombs.ts';
import { logRecordWith, SPAN_CONTEXT } from '../../support/logRecords.ts';

const RECORDS = [logRecordWith({ body: { text: ['a', 'b'] }, attributes: { a: 1, list: [1, 2] } })];
/** Resource, scope, record; text, a, list; two elements and two. */
const ITEMS = 10;

const decoders = [
  { name: 'decodeLogs', decode: (options: DecodeOptions) => decodeLogs(encodeLogs(RECORDS), options) },
  { name: 'decodeLogsJson', decode: (options: DecodeOptions) => decodeLogsJson(encodeLogsJson(RECORDS), options) },
];

const tooLarge = expect.objectContaining({ name: 'SpanflowError', code: 'MESSAGE_TOO_LARGE' });

describe.each(decoders)('$name', ({ name, decode }) => {
  test('counts each object, attribute and element against maxItems, in bodies too', () => {
    expect(decode({ maxItems: ITEMS })).toHaveLength(1);
    expect(() => decode({ maxItems: ITEMS - 1 })).toThrow(tooLarge);
    expect(() => decode({ maxItems: ITEMS - 1 })).toThrow(/more than maxItems 9 items \(spans, log records/);
  });

  test('names maxDecodedBytes where the heap would exceed it', () => {
    expect(decode({ maxDecodedBytes: 10_000 })).toHaveLength(1);
    expect(() => decode({ maxDecodedBytes: 1_000 })).toThrow(tooLarge);
  });

  test.each([{ maxItems: 0 }, { maxDecodedBytes: '1' }, { maxLogs: 1 }])('refuses %o', (options) => {
    const [option] = Object.keys(options);
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', option: `${name}.${option}` });
    expect(() => decode(options as never)).toThrow(refused);
  });
});

describe('a small message that becomes a large one', () => {
  test.each(Object.entries(logBombs))('%s is refused by both limits', (_, bomb) => {
    expect(() => decodeLogs(bomb(30_000), { maxDecodedBytes: 2 ** 19 })).toThrow(tooLarge);
    expect(() => decodeLogs(bomb(3_000), { maxItems: 1_000 })).toThrow(tooLarge);
    decodeLogs(bomb(3_000));
  });

  test('of 4 MiB of empty records is refused by default, in JSON too', () => {
    const records = field(1, field(2, Buffer.alloc(4 * 2 ** 20, Buffer.of(0x12, 0))));
    expect(() => decodeLogs(records)).toThrow(tooLarge);
    const json = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}${',{}'.repeat(1_400_000)}]}]}]}`;
    expect(() => decodeLogsJson(json)).toThrow(tooLarge);
  });
});

function within(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

function throws(): never {
  throw new TypeError('the getter throws');
}

const circular: unknown[] = [];
circular.push({ circular });

const unencodable: Readonly<Record<string, [Partial<ReadableLogRecord>, RegExp]>> = {
  'a circular body': [{ body: circular }, /^record 0 .*cannot be encoded: its body is circular/],
  'a circular attribute': [{ attributes: { list: circular } }, /its attribute "list" is circular/],
  'a circular attribute beside a body': [{ body: {}, attributes: { list: circular } }, /attribute "list" is circular/],
  'a body of 49 arrays in each other': [{ body: within(49, (inner) => [inner]) }, /its body is nested too deep/],
  'a body of 100,000 maps in each other': [
    { body: within(1e5, (inner) => ({ inner })) },
    /its body is nested too deep/,
  ],
  'a body that multiplies': [{ body: within(45, (inner) => [inner, inner]) }, /more than 262144 values/],
  'a body that is too long': [{ body: 'x'.repeat(64 * 1024 * 1024 + 1) }, /values are longer than 67108864/],
  'a body whose getter throws': [{ body: Object.defineProperty({}, 'a', { get: throws, enumerable: true }) }, /getter/],
  'a time before 1970': [{ hrTime: [-1, 0] }, /hrTime/],
  'an observed time that is not finite': [{ hrTimeObserved: [Number.NaN, 0] }, /hrTimeObserved/],
  'a trace id that is too short': [
    { spanContext: { ...SPAN_CONTEXT, traceId: 'abc' } },
    /traceId must be 32 hex digits/,
  ],
  'a span id that is not hex': [{ spanContext: { ...SPAN_CONTEXT, spanId: 'z'.repeat(16) } }, /spanId must be 16 hex/],
  'no attributes, but a getter that throws': [
    Object.defineProperty({}, 'attributes', { get: throws, enumerable: true }) as Partial<ReadableLogRecord>,
    /the getter throws/,
  ],
};

describe('a record that cannot be encoded', () => {
  test.each(Object.entries(unencodable))('because of %s is told, and the others are sent', (_, [parts, reason]) => {
    const wrong = Object.defineProperties(logRecordWith(), Object.getOwnPropertyDescriptors(parts));
    const right = logRecordWith({ eventName: 'stays' });
    expect(() => encodeLogs([wrong])).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
    expect(() => encodeLogs([wrong])).toThrow(reason);
    const onUnencodable = vi.fn();
    const sent = decodeLogs(encodeLogs([wrong, right, wrong], { onUnencodable }));
    expect(sent.map(({ eventName }) => eventName)).toEqual(['stays']);
    expect(onUnencodable.mock.calls.map(([record]) => record === wrong)).toEqual([true, true]);
    expect(decodeLogsJson(encodeLogsJson([wrong, right], { onUnencodable }))).toHaveLength(1);
  });

  test('is named by its event, or else by its body', () => {
    const hrTime: [number, number] = [-1, 0];
    expect(() => encodeLogs([logRecordWith({ hrTime, eventName: 'opened', body: 'b' })])).toThrow(
      /^record 0 "opened" /,
    );
    expect(() => encodeLogs([logRecordWith({ hrTime, body: 'started' })])).toThrow(/^record 0 "started" cannot be/);
  });

  test.each([encodeLogs, encodeLogsJson])('is another thing than wrong arguments: %o', (encode) => {
    expect(() => encode('records' as never)).toThrow(`${encode.name}.records must be an array of records`);
    expect(() => encode([], { onUnencodabel: () => {} } as never)).toThrow("did you mean 'onUnencodable'?");
  });
});

describe('what just fits', () => {
  test('are 100 messages in each other, so that the body has 96 and an attribute 95', () => {
    // An array is two messages, a map three.
    const arrays = (count: number) => within(count, (inner) => [inner]);
    for (const [fits, over] of [
      [{ body: arrays(48) }, { body: { a: arrays(47) } }],
      [{ attributes: { a: { a: arrays(46) } } }, { attributes: { a: arrays(48) } }],
    ] as const) {
      expect(decodeLogs(encodeLogs([logRecordWith(fits)]))).toHaveLength(1);
      expect(() => encodeLogs([logRecordWith(over)])).toThrow('is nested too deep');
    }
  });

  test.each([
    ['48 arrays in each other', within(48, (inner) => [inner])],
    ['32 maps in each other', within(32, (inner) => ({ inner }))],
    ['a text of 12 MiB', 'x'.repeat(12 * 2 ** 20)],
    ['200,000 elements', Array.from({ length: 200_000 }, (_, index) => `${index}`)],
  ])('is the same after a turn as a body, in protobuf and in JSON: %s', (_, body) => {
    const bytes = encodeLogs([logRecordWith({ body })]);
    expect(Buffer.compare(encodeLogs(decodeLogs(bytes)), bytes)).toBe(0);
    expect(Buffer.compare(encodeLogs(decodeLogsJson(encodeLogsJson([logRecordWith({ body })]))), bytes)).toBe(0);
  });
});
