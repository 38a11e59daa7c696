import assert from 'node:assert/strict';
import { context, SeverityNumber, trace } from '@opentelemetry/api';
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type ReadableLogRecord as SdkLogRecord } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { decodeLogs, decodeLogsJson, encodeLogs, encodeLogsJson } from '../../../src/otlp/index.ts';
import { logRecordWith, SPAN_CONTEXT } from '../../support/logRecords.ts';
import { logsRequest } from '../../support/otlpSchema.ts';
import { randomRuns } from '../../support/randomRuns.ts';

type Emitted = Parameters<ReturnType<LoggerProvider['getLogger']>['emit']>[0];

/** What the SDK makes of what a program logs: each array with a logger of its own. */
function emitted(...all: Emitted[][]): SdkLogRecord[] {
  const records: SdkLogRecord[] = [];
  const onEmit = (record: SdkLogRecord) => void records.push(record);
  const processor = { onEmit, forceFlush: async () => {}, shutdown: async () => {} };
  const provider = new LoggerProvider({
    processors: [processor],
    resource: resourceFromAttributes({ 'service.name': 'shop', list: ['a', 'b'] }, { schemaUrl: 'https://schema' }),
    logRecordLimits: { attributeCountLimit: 6 },
  });
  for (const [index, logs] of all.entries()) {
    const logger = provider.getLogger(`logger ${index}`, '1.2.3', { schemaUrl: `https://scope/${index}` });
    for (const log of logs) logger.emit(log);
  }
  return records;
}

/** The message of the official serializer: without its explicit zeros, which proto3 leaves out. */
function officialMessage(records: SdkLogRecord[]): Uint8Array {
  const bytes = ProtobufLogsSerializer.serializeRequest(records);
  assert.ok(bytes);
  return logsRequest.encode(logsRequest.decode(bytes));
}

function expectOfficialBytes(records: SdkLogRecord[]): void {
  assert.deepStrictEqual(Buffer.from(encodeLogs(records)), Buffer.from(officialMessage(records)));
}

const inSpan = trace.setSpanContext(context.active(), SPAN_CONTEXT);

const LOGS: Emitted[][] = [
  [
    { body: 'started', severityNumber: SeverityNumber.INFO, severityText: 'INFO', attributes: { port: 8080 } },
    { body: { text: 'a map', deep: { list: [1, [true, null]], bytes: Uint8Array.of(0, 255) } }, context: inSpan },
    { eventName: 'cart.opened', attributes: { user: 'u-1', nested: { a: [{ b: 'c' }] }, none: null } as never },
    { body: Uint8Array.of(1, 2, 3), timestamp: [1_700_000_000, 1], observedTimestamp: [1_700_000_001, 999_999_999] },
    { body: 'Grüße 🛒', severityNumber: SeverityNumber.FATAL4, exception: new TypeError('gone') },
  ],
  [
    { body: null },
    { body: undefined },
    { body: '' },
    { body: {} },
    { body: [] },
    { body: 0 },
    { body: 1.5, context: inSpan },
    { attributes: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`key ${index}`, index])) },
    { body: 'x'.repeat(5_000), attributes: { long: 'y'.repeat(5_000) } },
  ],
];

describe('the official protobuf serializer', () => {
  test("writes of the SDK's own records what ours writes, byte for byte", () => {
    const records = emitted(...LOGS);
    expect(records).toHaveLength(14);
    expect(records.map(({ droppedAttributesCount }) => droppedAttributesCount)).toContain(3);
    expectOfficialBytes(records);
  });

  test('writes of any records of the SDK what ours writes, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(fc.array(log, { maxLength: 6 }), { maxLength: 3 }), (logs) =>
        expectOfficialBytes(emitted(...logs)),
      ),
      randomRuns(400),
    );
  });

  test('takes decoded records as its own', () => {
    const decoded = decodeLogs(encodeLogs(emitted(...LOGS)));
    assert.deepStrictEqual(Buffer.from(officialMessage(decoded as SdkLogRecord[])), Buffer.from(encodeLogs(decoded)));
  });
});

describe('the official JSON serializer', () => {
  test('writes what is read as the same records', () => {
    // It writes an absent body as an empty value.
    const records = emitted(...LOGS).filter(({ body }) => body !== undefined);
    const bytes = JsonLogsSerializer.serializeRequest(records);
    assert.ok(bytes);
    assert.deepStrictEqual(encodeLogs(decodeLogsJson(bytes)), encodeLogs(records));
  });

  test('writes what ours writes, but for explicit zeros and integers without quotation marks', () => {
    const records = emitted(...LOGS).filter(({ body }) => body !== undefined);
    const bytes = JsonLogsSerializer.serializeRequest(records);
    assert.ok(bytes);
    const parsed = (json: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(json));
    assert.deepStrictEqual(parsed(encodeLogsJson(records)), canonical(parsed(bytes)));
  });
});

/** Without what proto3 leaves out, and with int64 as a string. */
function canonical(value: unknown, name = ''): unknown {
  if (name === 'intValue') return `${value}`;
  if (Array.isArray(value)) return value.map((item) => canonical(item));
  if (typeof value !== 'object' || value === null) return value;
  const isOneOf = Object.keys(value).some((key) => /^(string|bool|int|double|bytes)Value$/.test(key));
  const entries = Object.entries(value).map(([key, inner]) => [key, canonical(inner, key)] as const);
  // It writes the schema URL of a resource into the resource, too, where OTLP has none.
  const isWrong = (key: string) => name === 'resource' && key === 'schemaUrl';
  return Object.fromEntries(isOneOf ? entries : entries.filter(([key, inner]) => !isDefault(inner) && !isWrong(key)));
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}

// What both write alike. Ours also writes int64 beyond 2^53 and bigint exactly, -0 as a double, and arrays of one type of number.
const text = fc.string({ unit: 'binary' });
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    fc.maxSafeInteger(),
    fc.double().filter((number) => !Number.isInteger(number)),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(tie('any'), { maxLength: 4 }).filter((items) => new Set(items.map(numberKind)).size < 2),
    fc.dictionary(text, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;

function numberKind(item: unknown): string {
  return typeof item === 'number' && !Number.isInteger(item) ? 'double' : 'other';
}

const hrTime = fc.tuple(fc.nat(4_000_000_000), fc.nat(999_999_999));
const log = fc.record(
  {
    body: value,
    attributes: fc.dictionary(text, value, { maxKeys: 8 }),
    severityNumber: fc.nat(24),
    severityText: text,
    eventName: text,
    timestamp: hrTime,
    observedTimestamp: hrTime,
    context: fc.constantFrom(context.active(), inSpan),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Emitted>;

describe('the types', () => {
  test("take the SDK's records, and give what its exporters take", () => {
    const ofSdk: SdkLogRecord[] = emitted([{ body: 'a' }]);
    const taken: readonly ReadableLogRecord[] = ofSdk;
    const given: SdkLogRecord[] = decodeLogs(encodeLogs(taken));
    expect(given).toMatchObject([{ body: 'a' }]);
  });

  test('take records as the SDK 0.2xx types them', () => {
    type AnyValue =
      | string
      | number
      | boolean
      | Uint8Array
      | AnyValue[]
      | { [key: string]: AnyValue }
      | null
      | undefined;
    interface Record02xx extends Omit<SdkLogRecord, 'body' | 'attributes' | 'severityNumber'> {
      readonly severityNumber?: SeverityNumber;
      readonly body?: AnyValue;
      readonly attributes: { [key: string]: AnyValue };
    }
    const own = logRecordWith() as Omit<SdkLogRecord, 'body' | 'attributes' | 'severityNumber'>;
    const older: Record02xx = {
      ...own,
      severityNumber: SeverityNumber.INFO,
      body: { a: [1] },
      attributes: { b: null },
    };
    const taken: ReadableLogRecord = older;
    expect(decodeLogs(encodeLogs([taken]))).toMatchObject([
      { severityNumber: 9, body: { a: [1] }, attributes: { b: null } },
    ]);
  });
});
