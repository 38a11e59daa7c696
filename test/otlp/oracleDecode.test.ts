import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { astronomy, pairs } from '../support/data.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans } from '../support/spans.ts';
import { expectSameOfChanged, itemsOrRefused } from '../support/verdicts.ts';
import { anySpans } from './arbitrary.ts';
import { protobufjsSpans } from './oracleDecode.ts';

/** Every property, and which spans share a resource or a scope; a trace state by what it serializes to. */
function expectSameSpans(bytes: Uint8Array): void {
  const ours = decodeTraces(bytes);
  const theirs = protobufjsSpans(bytes);
  assert.deepStrictEqual(data(ours), data(theirs));
  assert.deepStrictEqual(sharing(ours), sharing(theirs));
  for (const [index, span] of ours.entries()) {
    const expected = theirs[index]?.spanContext().traceState?.serialize();
    assert.equal(span.spanContext().traceState?.serialize(), expected);
  }
}

/** Without the one function, of which each side has its own. */
function data(spans: readonly ReadableSpan[]): object[] {
  return spans.map(({ spanContext, ...rest }) => ({ ...rest, own: typeof spanContext }));
}

function sharing(spans: readonly ReadableSpan[]): boolean[] {
  return spans.map((span, index) => {
    const before = spans[index - 1];
    return span.resource === before?.resource && span.instrumentationScope === before.instrumentationScope;
  });
}

describe('the decoder reads what protobufjs reads', () => {
  test('in each recorded request', () => {
    for (const bytes of astronomy().requests()) expectSameSpans(bytes);
  });

  test('in each of the pairs', () => {
    for (const { bytes } of pairs()) expectSameSpans(bytes);
  });

  test('in any spans that were encoded', () => {
    fc.assert(
      fc.property(anySpans, (spans) => expectSameSpans(encodeTraces(spans))),
      randomRuns(500),
    );
  });

  test('in bodies with bytes changed, of which many are malformed', () => {
    const valid = encodeTraces(generatedSpans({ seed: 11, count: 4 }));
    expectSameOfChanged(
      valid,
      (bytes) => data(decodeTraces(bytes)),
      (bytes) => data(protobufjsSpans(bytes)),
    );
  });
});

describe('any body that is read', () => {
  test('is the same bytes after one turn and after two', () => {
    const valid = encodeTraces(generatedSpans({ seed: 12, count: 3 }));
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    let read = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), (changes) => {
        const bytes = valid.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        const spans = itemsOrRefused(() => decodeTraces(bytes));
        if (spans === 'refused') return;
        read += 1;
        // A byte of an id or of its length may have changed: such a span is told of, and the others stay.
        const once = encodeTraces(spans, { onUnencodable: () => {} });
        expect(Buffer.compare(encodeTraces(decodeTraces(once)), once)).toBe(0);
      }),
      randomRuns(1000),
    );
    expect(read).toBeGreaterThan(100);
  });

  test('is the same spans after one turn and after two, whatever they hold', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const once = encodeTraces(decodeTraces(encodeTraces(spans)));
        expect(Buffer.compare(encodeTraces(decodeTraces(once)), once)).toBe(0);
      }),
      randomRuns(300),
    );
  });
});
