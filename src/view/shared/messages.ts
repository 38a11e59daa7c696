import type { Stats } from '../../ledger/stats.ts';
import type { PipelineState } from '../../pipelines/lifeCycle/options.ts';

/** The state of a pipeline at one time. `p50` and `p99` are of the round trips of the last seconds, in milliseconds. */
export interface Point {
  /** In milliseconds of the scheduler: only differences mean something. */
  readonly at: number;
  readonly offered: number;
  readonly delivered: number;
  /** Refused ones included. */
  readonly lost: number;
  readonly retries: number;
  readonly queue: number;
  readonly inFlight: number;
  readonly batchSize: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Round trips of attempts, in milliseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** A span, as far as a waterfall shows it. Texts are cut, and their control characters are escaped; they are not escaped for HTML. */
export interface SpanRecord {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly service: string;
  /** In milliseconds since 1970. */
  readonly startMillis: number;
  readonly durationMillis: number;
  readonly isError: boolean;
  readonly attributes: readonly (readonly [key: string, value: string])[];
}

/** How the spans of a trace ended so far. */
export type Fate = 'delivered' | 'lost' | 'partly lost';

export interface TraceRecord {
  /** Of the trace in one pipeline. */
  readonly key: string;
  readonly traceId: string;
  readonly pipeline: string;
  /** Higher than that of every trace that changed before. */
  readonly sequence: number;
  readonly spans: readonly SpanRecord[];
  /** Spans beyond the maximum. */
  readonly leftOut: number;
  readonly fate: Fate;
}

export interface PipelineSample {
  readonly name: string;
  readonly stats: Stats;
  readonly point: Point;
  readonly roundTrips: Quantiles | null;
  /** `null` of a composition that has none. */
  readonly state: PipelineState | null;
  /** The pipeline has been shut down. */
  readonly hasEnded: boolean;
}

export interface Sample {
  /** In milliseconds of the scheduler. */
  readonly at: number;
  readonly pipelines: readonly PipelineSample[];
  /** Traces that are new, or have changed, since the last message to this page; the oldest first. */
  readonly traces: readonly TraceRecord[];
  /** Spans that were too many to be looked at since the last message. */
  readonly unseenSpans: number;
}

/** The first message to a page: what was kept of the last minutes, by pipeline, and the first sample. */
export interface Hello {
  readonly sample: Sample;
  readonly points: Readonly<Record<string, readonly Point[]>>;
  readonly maxPoints: number;
  readonly maxTraces: number;
}
