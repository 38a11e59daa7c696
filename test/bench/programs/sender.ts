// Clients of a receiver: they post requests of spans, no two of which have an id or a time in common.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Pool } from 'undici';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { answer, inputOf } from '../../scenarios/child.ts';
import { type WorkloadName, workloadOf } from '../support/workloads.ts';

export interface SenderInput {
  readonly workload: WorkloadName;
  /** How many requests are prepared. */
  readonly requests: number;
  readonly spansPerRequest: number;
  readonly connections: number;
  /** Where the receiver listens. */
  readonly origin: string;
  readonly data?: string;
}

const input = inputOf<SenderInput>();
if (input.data !== undefined) process.env.SPANFLOW_DATA = input.data;

const PREPARED_SPANS = 8_192;
const DAY_SECONDS = 86_400;

function bodies(): Uint8Array[] {
  const spans = workloadOf(input.workload, PREPARED_SPANS).batches.flat();
  return Array.from({ length: input.requests }, (_, request) => {
    const start = request * input.spansPerRequest;
    return encodeTraces(
      Array.from({ length: input.spansPerRequest }, (_, index) => {
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

const prepared = bodies();
const pool = new Pool(input.origin, { connections: input.connections, pipelining: 1 });

async function send(count: number): Promise<void> {
  let next = 0;
  const post = async (): Promise<void> => {
    while (next < count) {
      const body = prepared[next++ % prepared.length] as Uint8Array;
      const headers = { 'content-type': 'application/x-protobuf' };
      const response = await pool.request({ method: 'POST', path: '/v1/traces', headers, body });
      await response.body.dump();
      if (response.statusCode !== 200) throw new Error(`the receiver answered with ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: input.connections }, post));
}

answer({
  /** Each request once. Resolves with the number of spans. */
  send: async () => {
    await send(prepared.length);
    return prepared.length * input.spansPerRequest;
  },
});
process.on('disconnect', () => process.exit(0));
