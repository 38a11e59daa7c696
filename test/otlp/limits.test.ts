import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type DecodeOptions,
  decodeTraces,
  decodeTracesJson,
  encodeTraces,
  encodeTracesJson,
} from '../../src/otlp/index.ts';
import { exceedsParsed } from '../../src/otlp/json/read/jsonSize.ts';
import { bombs, field } from '../support/bombs.ts';
import { dataFolder } from '../support/data.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';

const SPANS = [
  spanWith({
    attributes: { a: 1, list: [1, 2, 3], map: { b: [true] } } as never,
    events: [{ time: [1, 1], name: 'e', attributes: { c: 1 } }],
    links: [{ context: spanWith().spanContext(), attributes: { d: 1 } }],
  }),
];
/** Resource, scope, span, event, link; a, list, map, b, c, d; three elements and one. */
const ITEMS = 15;

const decoders = [
  { name: 'decodeTraces', decode: (options: DecodeOptions) => decodeTraces(encodeTraces(SPANS), options) },
  {
    name: 'decodeTracesJson',
    decode: (options: DecodeOptions) => decodeTracesJson(encodeTracesJson(SPANS), options),
  },
];

function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe.each(decoders)('$name', ({ name, decode }) => {
  test('counts each object, attribute and element against maxItems', () => {
    expect(decode({ maxItems: ITEMS })).toHaveLength(1);
    expect(refusal(() => decode({ maxItems: ITEMS - 1 }))).toMatchObject({
      name: 'SpanflowError',
      code: 'MESSAGE_TOO_LARGE',
      message: expect.stringMatching(
        /more than maxItems 14 items .*: have the sender send smaller batches, or raise maxItems/,
      ),
    });
  });

  test('names maxDecodedBytes where the heap would exceed it', () => {
    expect(decode({ maxDecodedBytes: 10_000 })).toHaveLength(1);
    expect(refusal(() => decode({ maxDecodedBytes: 1_000 }))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      message: expect.stringMatching(/more than maxDecodedBytes 1000 bytes of heap: .* raise maxDecodedBytes/),
    });
  });

  test('has no limit where both are Infinity', () => {
    expect(decode({ maxItems: Number.POSITIVE_INFINITY, maxDecodedBytes: Number.POSITIVE_INFINITY })).toHaveLength(1);
  });

  test.each([{ maxItems: 0 }, { maxItems: 1.5 }, { maxDecodedBytes: -1 }, { maxDecodedBytes: '1' }, { maxSpans: 1 }])(
    'refuses %o',
    (options) => {
      const [option] = Object.keys(options);
      expect(refusal(() => decode(options as never))).toMatchObject({
        code: 'INVALID_OPTION',
        option: `${name}.${option}`,
      });
    },
  );
});

describe('a small message that becomes a large one', () => {
  test.each(Object.entries(bombs))('%s is refused by both limits', (_, bomb) => {
    expect(refusal(() => decodeTraces(bomb(30_000), { maxDecodedBytes: 2 ** 19 }))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
    expect(refusal(() => decodeTraces(bomb(3_000), { maxItems: 1_000 }))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    expect(refusal(() => decodeTraces(bomb(3_000)))).toBeUndefined();
  });

  test('of 4 MiB of empty spans is refused by default, in JSON too', () => {
    const spans = field(1, field(2, Buffer.alloc(4 * 2 ** 20, Buffer.of(0x12, 0))));
    expect(refusal(() => decodeTraces(spans))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[{}${',{}'.repeat(1_400_000)}]}]}]}`;
    expect(refusal(() => decodeTracesJson(json))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  });

  test('is refused in JSON before it is parsed, in unknown fields too', () => {
    const json = `{"unknown":[{}${',{}'.repeat(100_000)}]}`;
    expect(decodeTracesJson(json)).toEqual([]);
    expect(refusal(() => decodeTracesJson(json, { maxDecodedBytes: 2 ** 20 }))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
    expect(exceedsParsed(`"${'{},'.repeat(100_000)}"`, 2 ** 20)).toBe(false);
    expect(exceedsParsed(`"${'\\"{},'.repeat(100_000)}"`, 2 ** 20)).toBe(false);
    expect(exceedsParsed(`"\\\\"${',[]'.repeat(100_000)}`, 2 ** 20)).toBe(true);
    expect(exceedsParsed(`"${'x'.repeat(2 ** 20)}`, 2 ** 20)).toBe(true);
  });

  test('keys of JSON that come once count, and those that come again do not', () => {
    const fields = (keyOf: (at: number) => string) => Array.from({ length: 50_000 }, (_, at) => `"${keyOf(at)}" :0`);
    const apart = (keyOf: (at: number) => string) => `[{${fields(keyOf).join('},{')}}]`;
    const together = (keyOf: (at: number) => string) => `{${fields(keyOf).join(',')}}`;
    for (const [text, same] of [
      [apart(String), apart(() => '12345')],
      [together(String), together(() => '12345')],
    ] as const) {
      expect(exceedsParsed(text, 5 * 2 ** 20)).toBe(true);
      expect(exceedsParsed(same, 5 * 2 ** 20)).toBe(false);
    }
  });
});

describe('a large message', () => {
  test('is decoded with the defaults: one request of 23.8 MB', () => {
    const folder = dataFolder();
    const bytes =
      folder === undefined
        ? encodeTraces(generatedSpans({ count: 20_000 }))
        : zstdDecompressSync(readFileSync(`${folder}/large/hipstershop.otlp.zst`)).subarray(4);
    expect(decodeTraces(bytes)).toHaveLength(folder === undefined ? 20_000 : 86_583);
  });

  const huge: [string, object][] = [
    ['bytes', { blob: new Uint8Array(12 * 2 ** 20 + 1).fill(7) }],
    ['a text', { text: 'x'.repeat(12 * 2 ** 20) }],
    ['a text that is escaped throughout', { text: '\n"\\\u0001'.repeat(2 ** 20) }],
    ['100,000 attributes', Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key ${index}`, index]))],
    ['an array of 200,000', { list: Array.from({ length: 200_000 }, (_, index) => `${index}`) }],
    ['arrays 47 deep', { deep: within(47, (inner) => [inner]) }],
    ['maps 31 deep', { deep: within(31, (inner) => ({ inner })) }],
  ];

  test.each(huge)('is decoded as it was encoded, in protobuf and in JSON: %s', (_, attributes) => {
    const spans = [spanWith({ attributes: attributes as never })];
    const [span] = decodeTracesJson(encodeTracesJson(spans));
    expect(Buffer.compare(encodeTraces([span as never]), encodeTraces(spans))).toBe(0);
    expect(Buffer.compare(encodeTraces(decodeTraces(encodeTraces(spans))), encodeTraces(spans))).toBe(0);
  });

  test('with a long id is refused where the id is not hex', () => {
    const json = (id: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${id}"}]}]}]}`;
    const long = 'ab'.repeat(8 * 2 ** 20);
    expect(decodeTracesJson(json(long))[0]?.spanContext().traceId).toBe(long);
    expect(refusal(() => decodeTracesJson(json(`${long}a`)))).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    expect(refusal(() => decodeTracesJson(json(`${long}zz`)))).toMatchObject({
      code: 'MALFORMED_MESSAGE',
      message: expect.stringContaining('traceId must be hex digits'),
    });
  });
});

function within(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'x';
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}
