import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { astronomy, malformedBodies, pairs } from '../support/data.ts';
import { countOf } from '../support/otlpJson.ts';
import { decodeRequest } from '../support/wire.ts';
import { encodeRequest } from '../support/wireWriter.ts';

// The tests' own reader of the wire is trusted elsewhere: here it is measured against encoders of other people.
describe('the independent reader of the wire', () => {
  test('reads each recorded request as its JSON twin', () => {
    const set = astronomy();
    const twins = set.twins();
    const read = [...set.requests()].map((bytes) => {
      const request = decodeRequest(bytes);
      assert.deepStrictEqual(request, twins.next().value);
      return request;
    });
    expect(twins.next().done).toBe(true);
    expect(countOf(read)).toEqual(set.count);
  });

  test('reads every pair as its canonical JSON, and its writer gives the bytes back', () => {
    for (const { name, bytes, json } of pairs()) {
      const request = decodeRequest(bytes);
      assert.deepStrictEqual(request, json, name);
      expect(Buffer.compare(encodeRequest(request), bytes), name).toBe(0);
    }
  });

  test.each(malformedBodies())('refuses $name', ({ bytes }) => {
    expect(() => decodeRequest(bytes)).toThrow();
  });
});
