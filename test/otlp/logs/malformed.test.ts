import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLogs, decodeLogsJson, encodeLogs } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { logRecordWith, SPAN_CONTEXT } from '../../support/logRecords.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { collectorCases, fluentBitCases, NO_BYTES, verdictOf } from '../../support/verdicts.ts';

const verdict = (bytes: Uint8Array) => verdictOf(() => decodeLogs(bytes));
const jsonVerdict = (json: string) => verdictOf(() => decodeLogsJson(json));

const record = (...fields: Buffer[]) => field(1, field(2, field(2, ...fields)));

/** Where messages of each kind stand in a logs request, from the request down. */
const PATHS: Readonly<Record<string, readonly number[]>> = {
  ExportLogsServiceRequest: [],
  ResourceLogs: [1],
  Resource: [1, 1],
  EntityRef: [1, 1, 3],
  ScopeLogs: [1, 2],
  InstrumentationScope: [1, 2, 1],
  LogRecord: [1, 2, 2],
  AnyValue: [1, 2, 2, 5],
  KeyValue: [1, 2, 2, 6],
  ArrayValue: [1, 2, 2, 5, 5],
  KeyValueList: [1, 2, 2, 5, 6],
};

describe('a malformed body', () => {
  test.each(collectorCases(PATHS))('with $name is refused by the typed error', ({ bytes }) => {
    expect(verdict(bytes)).toBe('reject');
  });

  test('is refused with the message, the reason and the place', () => {
    expect(() => decodeLogs(record(Buffer.from('0a0101', 'hex'), Buffer.from('2a7f', 'hex')))).toThrow(
      /^ExportLogsServiceRequest is malformed near byte \d+ of \d+: /,
    );
  });

  test('that is not a Uint8Array is refused', () => {
    for (const wrong of NO_BYTES) expect(verdict(wrong)).toBe('reject');
  });

  test('of random bytes ends in records or in the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        verdict(bytes);
        verdict(record(Buffer.from(bytes)));
      }),
      randomRuns(2000),
    );
  });

  test('that is cut short anywhere ends in records or in the typed error', () => {
    const valid = encodeLogs([
      logRecordWith({ body: { a: [1, 'x'] }, spanContext: SPAN_CONTEXT, severityText: 'INFO', eventName: 'e' }),
    ]);
    for (let length = 0; length < valid.length; length++) verdict(valid.subarray(0, length));
    expect(verdict(valid.subarray(0, valid.length - 1))).toBe('reject');
  });

  test('with a body that is nested beyond 100 messages is refused, however deep', () => {
    const nested = (levels: number) => {
      let value: Buffer = field(1, Buffer.from('x'));
      for (let level = 0; level < levels; level++) value = field(5, field(1, value));
      return record(field(5, value));
    };
    expect(verdict(nested(48))).toBe('accept');
    for (const levels of [49, 1000, 10_000]) expect(verdict(nested(levels))).toBe('reject');
  });
});

/** Where Fluent Bit refuses what protobuf's JSON allows: something may always be absent, and the length of an id is told at encoding. */
const STRICTER_THERE = new Set([
  'scopeLogs_missing',
  'resourceLogs_missing',
  'resource_valid_scope_missing',
  'invalid_trace_id_length',
  'invalid_span_id_length',
]);
describe('the recorded JSON cases of a receiver', () => {
  test.each(fluentBitCases('logs'))('%s gets the verdict of proto3 JSON', (name, json, isRefused) => {
    const isWrong = isRefused && !STRICTER_THERE.has(name);
    expect(jsonVerdict(json)).toBe(isWrong ? 'reject' : 'accept');
  });
});

describe('a JSON record', () => {
  const json = (fields: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${fields}}]}]}]}`;

  test.each([
    ['"severityNumber":9', 9],
    ['"severityNumber":"9"', 9],
    ['"severityNumber":"SEVERITY_NUMBER_INFO"', 9],
    ['"severityNumber":"SEVERITY_NUMBER_TRACE"', 1],
    ['"severityNumber":"SEVERITY_NUMBER_FATAL4"', 24],
    ['"severityNumber":"SEVERITY_NUMBER_UNSPECIFIED"', undefined],
    ['"severityNumber":31', 31],
    ['"severityNumber":null', undefined],
  ])('with %s has the severity %s', (text, severityNumber) => {
    expect(decodeLogsJson(json(text))[0]?.severityNumber).toBe(severityNumber);
  });

  test('is refused with the place where it is wrong', () => {
    for (const [text, place] of [
      ['"severityNumber":"INFO"', 'severityNumber must be an integer'],
      ['"body":"text"', 'body must be an object'],
      ['"body":{"stringValue":"a","intValue":1}', 'body must be one value only'],
      ['"timeUnixNano":-1', 'timeUnixNano must be an integer from 0'],
      ['"traceId":"xy"', 'traceId must be hex digits'],
    ] as const)
      expect(() => decodeLogsJson(json(text))).toThrow(`resourceLogs[0].scopeLogs[0].logRecords[0].${place}`);
  });
});
