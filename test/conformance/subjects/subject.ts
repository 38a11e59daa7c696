import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { SignalItems } from '../../../src/model/signal.ts';

export type Who = 'ours' | 'official';
export type Protocol = 'http' | 'grpc';
export type Encoding = 'protobuf' | 'json';
export type SignalName = 'traces' | 'logs' | 'metrics';
export type Item = SignalItems[SignalName];

/** What a client is told. Left out: its own default. */
export interface ClientSettings {
  readonly url?: string;
  /** Default `traces`. */
  readonly signal?: SignalName;
  /** The variables of the process, if the settings are to come from there. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly compression?: 'gzip';
  /** For one attempt. */
  readonly timeoutMillis?: number;
  /** For one export with all its attempts, where that is another setting. */
  readonly maxElapsedMillis?: number;
  readonly concurrency?: number;
  readonly maxRequestBytes?: number;
  readonly maxResponseBytes?: number;
  readonly userAgent?: string;
  /** The same seed gives the same jitter, where chance can be given. */
  readonly seed?: number;
  /** Waits between attempts go on only after {@link Client.goOn}, where time can be held. */
  readonly holdsWaits?: boolean;
}

/** How one export ended, as its client tells whoever called it. */
export interface Verdict {
  readonly delivered: number;
  readonly rejected: number;
  readonly lost: number;
  /** The error or the warning; empty without one. */
  readonly said: string;
  /** By the client's clock. */
  readonly elapsedMillis: number;
}

/** What a client has counted by itself, whoever asked for it. */
export interface Books {
  readonly delivered: number;
  /** Whatever the reason. */
  readonly failed: number;
}

/** An exporter with its retries: what is called with a batch, and tells its end. */
export interface Client {
  export(items: readonly Item[]): Promise<Verdict>;
  shutdown(): Promise<void>;
  books(): Promise<Books>;
  /** The clock by which the client waits: of virtual time, where time can be given. */
  now(): number;
  /** Resolves when so much time has passed by that clock. */
  pass(millis: number): Promise<void>;
  /** Resolves when the first attempt must have failed, and the wait for the next one has begun. */
  waiting(): Promise<void>;
  /** Lets waits go on that were held. */
  goOn(): void;
}

/** What processors are told. */
export interface ProcessorSettings {
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
}

/** A processor with its exporter, as a program has it. */
export interface Tracing {
  /** Ends so many spans of a real tracer, in one turn of the event loop. */
  end(count: number): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
  /** Left out where there is no such option. */
  readonly shutdownWithoutWaiting?: () => Promise<void>;
  books(): Promise<Books>;
}

/** What goes through the rules: one exporter over one protocol, with the processor of its maker. */
export interface Subject {
  /** As it is imported. */
  readonly name: string;
  readonly who: Who;
  readonly protocol: Protocol;
  readonly encoding: Encoding;
  /** Those that it is put through the rules of each signal with. */
  readonly signals: readonly SignalName[];
  /** What it cannot be told. */
  readonly lacks: ReadonlySet<keyof ClientSettings>;
  /** Whether it reads answers that are compressed. */
  readonly decodesAnswers: boolean;
  /** A `Retry-After` that is longer than its own backoff may be, and no longer than a check can wait. */
  readonly laterSeconds: number;
  /** A timeout that it can be given, and that a check can wait for. */
  readonly timeoutMillis: number;
  open(settings: ClientSettings): Client;
  /** A processor in front of one exporter per URL. */
  openTracing(urls: readonly string[], settings?: ProcessorSettings): Tracing;
  /** Its processor in front of somebody else's exporter. */
  processorFor(exporter: SpanExporter, settings?: ProcessorSettings): SpanProcessor;
  /** For a periodic reader of the SDK. Left out where metrics are not among the `signals`. */
  readonly metricExporter?: (url: string) => PushMetricExporter;
}
