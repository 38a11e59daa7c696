import { describe, expect, it } from 'vitest';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { astronomy } from '../../support/data.ts';
import { generatedSpans } from '../../support/spans.ts';
import { SpanCounter } from './spanCounter.ts';

function countedIn(bytes: Uint8Array, chunkBytes: number): number {
  const counter = new SpanCounter();
  for (let at = 0; at < bytes.length; at += chunkBytes) counter.push(bytes.subarray(at, at + chunkBytes));
  return counter.spans;
}

describe('SpanCounter', () => {
  it('counts the spans of a request, wherever its chunks end', () => {
    for (const count of [0, 1, 2, 100]) {
      const bytes = encodeTraces(generatedSpans({ seed: count, count }));
      for (const chunkBytes of [1, 2, 7, 1_000, bytes.length + 1]) expect(countedIn(bytes, chunkBytes)).toBe(count);
    }
  });

  it('counts what is in a whole set of requests', () => {
    const set = astronomy();
    let spans = 0;
    for (const bytes of set.requests()) spans += countedIn(bytes, 65_536);
    expect(spans).toBe(set.count.spans);
  });

  it('refuses what is no request', () => {
    expect(() => countedIn(new TextEncoder().encode('{"resourceSpans":[]}'), 8)).toThrow(TypeError);
  });
});
