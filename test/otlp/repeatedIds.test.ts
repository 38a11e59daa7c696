import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { spanWith } from '../support/spans.ts';

interface Drawn {
  readonly trace: number;
  readonly parent: number;
  /** Decides how many bytes the length of the span takes, and where its ids stand. */
  readonly stateBytes: number;
  readonly isUnencodable: boolean;
}

const TRACES = ['a'.repeat(32), 'b'.repeat(32), '1'.repeat(32)];
const PARENTS = [undefined, 'c'.repeat(16), 'd'.repeat(16)];

const { resource, instrumentationScope } = spanWith();
const SHARED = { resource, instrumentationScope };

const drawn = fc.record<Drawn>({
  trace: fc.nat({ max: 2 }),
  parent: fc.nat({ max: 2 }),
  stateBytes: fc.constantFrom(0, 3, 60, 200, 17_000),
  isUnencodable: fc.boolean(),
});

function spanOf({ trace, parent, stateBytes, isUnencodable }: Drawn): ReadableSpan {
  const ids = { traceId: TRACES[trace] as string, spanId: '2'.repeat(16), traceFlags: 1 };
  const traceState = { serialize: () => 's'.repeat(stateBytes) };
  const spanId = PARENTS[parent];
  return spanWith({
    ...SHARED,
    spanContext: () => ({ ...ids, ...(stateBytes > 0 && { traceState: traceState as never }) }),
    ...(spanId !== undefined && { parentSpanContext: { ...ids, spanId } }),
    ...(isUnencodable && { startTime: [-1, 0] as [number, number] }),
  });
}

function idsOf(span: ReadableSpan): unknown {
  return [span.spanContext().traceId, span.parentSpanContext?.spanId];
}

test('each span has its own trace and parent, whoever had them before: spans that failed, other requests, spans of other lengths', () => {
  const requests = fc.array(fc.array(drawn, { maxLength: 8 }), { maxLength: 4 });
  fc.assert(
    fc.property(requests, (batches) => {
      for (const batch of batches) {
        const spans = batch.map(spanOf);
        const sent = decodeTraces(encodeTraces(spans, { onUnencodable: () => {} }));
        const encodable = spans.filter((_, index) => batch[index]?.isUnencodable === false);
        expect(sent.map(idsOf)).toEqual(encodable.map(idsOf));
      }
    }),
    randomRuns(300),
  );
});
