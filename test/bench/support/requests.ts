import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { type WorkloadName, workloadOf } from './workloads.ts';

export interface PreparedRequests {
  readonly workload: WorkloadName;
  /** How many requests are prepared. */
  readonly requests: number;
  readonly spansPerRequest: number;
}

const PREPARED_SPANS = 8_192;
const DAY_SECONDS = 86_400;

/** The bodies of requests of spans, no two of which have an id or a time in common. */
export function requestsOf({ workload, requests, spansPerRequest }: PreparedRequests): Uint8Array[] {
  const spans = workloadOf(workload, PREPARED_SPANS).batches.flat();
  return Array.from({ length: requests }, (_, request) => {
    const start = request * spansPerRequest;
    return encodeTraces(
      Array.from({ length: spansPerRequest }, (_, index) => {
        const at = start + index;
        return again(spans[at % spans.length] as ReadableSpan, Math.floor(at / spans.length));
      }),
    );
  });
}

/** The span as it would have been on another day. */
function again(span: ReadableSpan, turn: number): ReadableSpan {
  const context = { ...span.spanContext(), ...idsOf(span.spanContext(), turn) };
  const parent = span.parentSpanContext;
  const late = ([seconds, nanos]: readonly [number, number]): [number, number] => [seconds + turn * DAY_SECONDS, nanos];
  return {
    ...span,
    spanContext: () => context,
    ...(parent && { parentSpanContext: { ...parent, ...idsOf(parent, turn) } }),
    startTime: late(span.startTime),
    endTime: late(span.endTime),
    events: span.events.map((event) => ({ ...event, time: late(event.time) })),
    // A spread leaves out what the SDK has as getters.
    ...{ name: span.name, resource: span.resource, instrumentationScope: span.instrumentationScope },
    ...{ kind: span.kind, status: span.status, attributes: span.attributes, links: span.links },
  };
}

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

function idsOf({ traceId, spanId }: Ids, turn: number): Ids {
  return { traceId: changed(traceId, turn), spanId: changed(spanId, turn) };
}

/** The digits of an id with its last 32 bits changed. */
function changed(id: string, turn: number): string {
  const low = (Number.parseInt(id.slice(-8), 16) ^ Math.imul(turn, 0x9e37_79b1)) >>> 0;
  return id.slice(0, -8) + low.toString(16).padStart(8, '0');
}
