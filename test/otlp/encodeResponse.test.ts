import { describe, expect, test } from 'vitest';
import {
  encodeResponse,
  encodeResponseJson,
  encodeStatus,
  encodeStatusJson,
} from '../../src/otlp/responses/encodeResponse.ts';
import { decodeResponseJson, decodeStatusJson } from '../../src/otlp/responses/jsonResponse.ts';
import { decodeResponse, decodeStatus } from '../../src/otlp/responses/response.ts';
import { retryInfoMillis } from '../../src/otlp/responses/retryInfo.ts';

describe('a response', () => {
  const partial = { rejected: 300, message: 'too old: ü' };

  test('with a partial success is read back as it was, in protobuf and in JSON of each signal', () => {
    expect(decodeResponse(encodeResponse(partial))).toEqual(partial);
    for (const signal of ['traces', 'logs', 'metrics'] as const)
      expect(decodeResponseJson(Buffer.from(encodeResponseJson(signal, partial)))).toEqual(partial);
  });

  test('of a full success is empty, as it has to be', () => {
    expect([encodeResponse().length, encodeResponseJson('traces')]).toEqual([0, '{}']);
  });

  test('with a partial success that says nothing has the empty message', () => {
    const empty = { rejected: 0, message: '' };
    expect([...encodeResponse(empty)]).toEqual([10, 0]);
    expect(encodeResponseJson('logs', empty)).toBe('{"partialSuccess":{}}');
  });
});

describe('a status', () => {
  const later = { code: 8, message: 'later', retryAfterMillis: 2_345 };

  test('is read back as it was, with its RetryInfo', () => {
    expect(decodeStatus(encodeStatus(later))).toBe('later');
    expect(decodeStatusJson(Buffer.from(encodeStatusJson(later)))).toBe('later');
    expect(retryInfoMillis(encodeStatus(later))).toBe(2_345);
    expect(retryInfoMillis(encodeStatus({ ...later, retryAfterMillis: 0 }))).toBe(0);
    expect(retryInfoMillis(encodeStatus({ code: 3, message: 'no' }))).toBeUndefined();
  });

  test('has a message that is clipped: somebody else wrote it', () => {
    expect(encodeStatus({ code: 3, message: 'x'.repeat(1_000_000) }).length).toBeLessThan(5_000);
  });
});
