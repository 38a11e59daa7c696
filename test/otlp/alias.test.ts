import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { anySpans } from './arbitrary.ts';
import { protobufjsBytes } from './oracle.ts';

/** Changes whatever a value holds. */
function spoil(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0xaa);
  else if (Array.isArray(value)) value.fill('spoilt');
  else if (typeof value === 'object' && value !== null) {
    const holder = value as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      spoil(holder[key]);
      holder[key] = 'spoilt';
    }
  }
}

function spoilSpans(spans: readonly ReadableSpan[]): void {
  for (const span of spans) {
    for (const owner of [span, ...span.events, ...span.links]) spoil(owner.attributes);
    spoil((span.instrumentationScope as { attributes?: unknown }).attributes);
    (span as { name: string }).name = 'spoilt';
    span.startTime.fill(1);
  }
}

describe('an encoded body', () => {
  test('is memory of its own, which can be transferred', () => {
    const bytes = encodeTraces([spanWith()]);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(bytes.byteOffset).toBe(0);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });

  test('stays what it is, whatever is changed and encoded afterwards', () => {
    fc.assert(
      fc.property(anySpans, anySpans, (spans, others) => {
        const expected = Buffer.from(protobufjsBytes(spans));
        const bytes = encodeTraces(spans);
        spoilSpans(spans);
        const again = encodeTraces(spans);
        encodeTraces(others);
        expect(Buffer.compare(bytes, expected)).toBe(0);
        // And nothing that was remembered is taken for what has changed since.
        expect(Buffer.compare(again, protobufjsBytes(spans))).toBe(0);
      }),
      randomRuns(300),
    );
  });

  test('may be overwritten without harm to the next', () => {
    const spans = generatedSpans({ seed: 5, count: 40 });
    const expected = Buffer.from(encodeTraces(spans));
    for (let turn = 0; turn < 5; turn++) {
      const bytes = encodeTraces(spans);
      expect(Buffer.compare(bytes, expected)).toBe(0);
      bytes.fill(0xff);
    }
  });

  test('is right where reading a span encodes other spans', () => {
    const inner = generatedSpans({ seed: 1, count: 20 });
    const expected = encodeTraces(inner);
    const bodies: Uint8Array[] = [];
    const attributes = Object.defineProperty({ before: 'x' }, 'late', {
      enumerable: true,
      get: () => bodies.push(encodeTraces(inner)),
    });
    const [span] = decodeTraces(encodeTraces([spanWith({ attributes })]));
    expect(span?.attributes).toEqual({ before: 'x', late: 1 });
    expect(bodies).toEqual([expected]);
  });

  test('is right where the callback encodes other spans', () => {
    const inner = generatedSpans({ seed: 2, count: 20 });
    const expected = encodeTraces(inner);
    const bodies: Uint8Array[] = [];
    const spans = [spanWith({ name: 'a' }), spanWith({ startTime: [-1, 0] }), spanWith({ name: 'b' })];
    const body = encodeTraces(spans, { onUnencodable: () => bodies.push(encodeTraces(inner)) });
    expect(decodeTraces(body).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(bodies).toEqual([expected]);
  });
});
