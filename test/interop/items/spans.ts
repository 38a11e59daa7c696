import { createTraceState, type SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { generatedSpans, spanWith } from '../../support/spans.ts';
import {
  BARE,
  EARLIEST,
  FULL,
  LATEST,
  MOST_DROPPED,
  OTHER_TRACE_ID,
  type Owners,
  SPAN_ID,
  TRACE_ID,
} from './owners.ts';
import { VALUES } from './values.ts';

const SAMPLED = 1;
const ALL_FLAGS = 0xff;
const KINDS = [0, 1, 2, 3, 4];
const CODES = [0, 1, 2];

/** Spans made by hand, each with its own id: every field, empty, full and at its edges. */
export function richSpans(): ReadableSpan[] {
  const generated = generatedSpans({ seed: 15, count: 80 });
  return [
    spanIn(FULL, 1, FULL_PARTS),
    spanIn(BARE, 2, { name: '', startTime: EARLIEST, endTime: EARLIEST }),
    spanIn(BARE, 3, { startTime: [0, 0], endTime: LATEST }),
    ...KINDS.flatMap((kind) =>
      CODES.map((code) => spanIn(FULL, 16 + kind * CODES.length + code, { kind, status: { code } })),
    ),
    // Those that are not sampled are not exported.
    ...generated.filter((span) => (span.spanContext().traceFlags & SAMPLED) !== 0),
  ];
}

const REMOTE: SpanContext = {
  traceId: OTHER_TRACE_ID,
  spanId: SPAN_ID,
  traceFlags: ALL_FLAGS,
  isRemote: true,
  traceState: createTraceState('vendor=a:b,other@system=1'),
};

const FULL_PARTS = {
  name: 'Grüße 🛒',
  status: { code: 2, message: 'gone: "\u0000"' },
  parentSpanContext: { ...REMOTE, traceId: TRACE_ID },
  attributes: VALUES,
  events: [
    { time: [1_734_093_473, 1], name: 'full', attributes: VALUES, droppedAttributesCount: MOST_DROPPED },
    { time: [0, 0], name: '' },
  ],
  links: [
    { context: REMOTE, attributes: VALUES, droppedAttributesCount: MOST_DROPPED },
    { context: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 0 } },
  ],
  droppedAttributesCount: MOST_DROPPED,
  droppedEventsCount: 1,
  droppedLinksCount: 127,
} as unknown as Partial<ReadableSpan>;

function spanIn({ resource, scope }: Owners, id: number, parts: Partial<ReadableSpan>): ReadableSpan {
  const context = { ...REMOTE, traceId: TRACE_ID, spanId: id.toString(16).padStart(16, '0') };
  return spanWith({ resource, instrumentationScope: scope, spanContext: () => context, ...parts });
}
