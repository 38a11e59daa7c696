import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { astronomy, pairs } from '../support/data.ts';
import { traceRequest } from '../support/otlpSchema.ts';
import { decodeRequest } from '../support/wire.ts';
import { encodeRequest } from '../support/wireWriter.ts';

describe('the schema, at message level', () => {
  test('gives all 189 pairs back byte for byte', () => {
    const all = pairs();
    const different = all.filter(({ bytes }) => Buffer.compare(traceRequest.encode(traceRequest.decode(bytes)), bytes));
    expect(different.map(({ name }) => name)).toEqual([]);
    expect(all).toHaveLength(189);
  });

  test('loses nothing of any recorded request, which its recorder wrote in another order of fields', () => {
    for (const bytes of astronomy().requests()) {
      const again = traceRequest.encode(traceRequest.decode(bytes));
      assert.deepStrictEqual(decodeRequest(again), decodeRequest(bytes));
    }
  });

  test('keeps 64 bits that no double holds', () => {
    const attributes = ['-9223372036854775808', '9223372036854775807', '-1', '0'].map((intValue) => ({
      key: 'n',
      value: { intValue },
    }));
    const span = { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '9007199254740993', attributes };
    const bytes = encodeRequest({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    expect(Buffer.compare(traceRequest.encode(traceRequest.decode(bytes)), bytes)).toBe(0);
  });

  test('keeps enums that it does not know, negative ones too', () => {
    const span = { kind: -3, status: { code: -2_147_483_648 } };
    const bytes = encodeRequest({ resourceSpans: [{ scopeSpans: [{ spans: [span, { kind: 99 }] }] }] });
    expect(Buffer.compare(traceRequest.encode(traceRequest.decode(bytes)), bytes)).toBe(0);
  });

  test('writes what it made into memory of its own, which can be transferred', () => {
    const bytes = traceRequest.encode(traceRequest.decode(new Uint8Array(0)));
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });
});
