import type { Observable, ObservableInput } from 'rxjs';
import type { Batch } from './batch.ts';
import { SpanflowError } from './errors.ts';

/**
 * Where batches leave. A sink answers each attempt once: it emits one {@link Response}, or errors with an {@link ExportError}.
 *
 * An error of another kind counts as `retryable`; completing without an answer counts as `unknownOutcome`. A `TypeError` (or another error of the program) that `export` throws when it is called,
 * and a return value that is no `ObservableInput`, count as `permanent`: a defect of the sink is not repaired by trying again.
 */
export interface Sink<T> {
  /** Names the sink in losses, errors and warnings. */
  readonly name: string;
  /**
   * The maximum of concurrent exports, those of every `exportTo` to it together; unlimited when left out. An official `SpanExporter` has 1: its specification forbids
   * concurrent calls.
   */
  readonly maxConcurrency?: number;
  /** How long one attempt may take, in milliseconds. `attemptTimeoutMillis` of `exportTo` overrides it. */
  readonly attemptTimeoutMillis?: number;
  /** What it is, for metrics about it ({@link statsToMetrics}). Left out: its name is its type. */
  readonly component?: SinkComponent;
  /**
   * Called for each attempt. What it returns (any `ObservableInput`: an Observable, a promise) is subscribed to once, and **unsubscribing aborts the attempt**: only an Observable can be aborted.
   *
   * A batch that is too large for the backend, or that timed out, is tried again in parts: each part is a batch of its own.
   *
   * It must not await a flush of the pipeline that calls it, nor an export that goes through it: those wait for this very batch.
   *
   * @param attempt takes reports on how far the attempt is; `exportTo` always gives one
   */
  export(batch: Batch<T>, attempt?: Attempt): ObservableInput<Response>;
  /** Resolves when everything that the sink itself holds has been sent. For sinks that hold items. */
  forceFlush?(): Promise<void>;
  /** Ends connections and timers. It is called once, after the last export. */
  shutdown?(): Promise<void>;
}

/** What a sink is and where it sends to, as OpenTelemetry's conventions have it. */
export interface SinkComponent {
  /** The attribute `otel.component.type`: `otlp_http_span_exporter`, or the name of its class or function. */
  readonly type: string;
  /** The signal that the sink takes. Left out: it takes any signal. */
  readonly signal?: 'traces' | 'logs' | 'metrics';
  /** The attribute `server.address`: a name, an IP address, or the path of a Unix socket. Left out: there are several, or none. */
  readonly serverAddress?: string;
  /** The attribute `server.port`: 1 to 65535. Left out: a Unix socket has none. */
  readonly serverPort?: number;
}

/** A sink whose exports can be piped, as ours can. */
export interface ObservableSink<T> extends Sink<T> {
  export(batch: Batch<T>, attempt?: Attempt): Observable<Response>;
}

/**
 * How far an attempt is. Up to `securing` nothing of the batch has left the process, so an attempt that ends there has certainly not arrived; from `sending` on it may have.
 *
 * `preparing`: the request is being made · `resolving`: the host's name is looked up · `connecting`: a connection is being opened · `securing`: the TLS handshake ·
 * `sending`: the request is being sent · `waiting`: it was sent, and no answer has come yet · `reading`: the answer has begun.
 */
export type AttemptPhase = 'preparing' | 'resolving' | 'connecting' | 'securing' | 'sending' | 'waiting' | 'reading';

/** Up to these nothing of a batch has left the process. */
export const PHASES_BEFORE_SENDING: ReadonlySet<AttemptPhase | undefined> = new Set([
  'preparing',
  'resolving',
  'connecting',
  'securing',
]);

/** Takes a sink's reports on one attempt. A sink that reports nothing is taken to send from the start. */
export interface Attempt {
  /** How long it may take, in milliseconds: an attempt that is aborted then has timed out. Left out: it is not known. */
  readonly timeoutMillis?: number;
  /**
   * The attempt has come this far.
   *
   * @param where names the other side for the message of a timeout: a URL without credentials and query, for example
   */
  enter(phase: AttemptPhase, where?: string): void;
  /** The answer is known although the attempt goes on: it counts if the attempt is aborted from now on. */
  answered(answer: Response | ExportError): void;
  /**
   * The backend certainly refused the request, for a reason that the sink can change by itself (a token that has expired): it makes another request at once, within the time of this attempt. Outcomes and statistics
   * count it as an attempt; limits, breakers and `maxAttempts` see the two as one. What was reported before counts no more.
   */
  repeat?(): void;
  /** The other side has answered with this status: a number is a status of HTTP (`503`), a name one of gRPC (`UNAVAILABLE`). */
  status?(code: number | string): void;
}

/** The batch arrived. Items that are neither rejected, nor unencodable, nor removed, nor stored were delivered. */
export interface Response {
  /** Items that the backend refused for good. Default 0. */
  readonly rejected?: number;
  /** Items that were left out because they cannot be expressed on the wire. Default 0. */
  readonly unencodable?: number;
  /** Items that the sink left out on purpose: one that filters says so here, or they count as delivered. Default 0. */
  readonly removed?: number;
  /** Items that the sink has written to its disk and answers for from now on: it sends them later. They are `handedOn` in the books of the stage that exports. Default 0. */
  readonly stored?: number;
  /** What the backend said: a warning, or why it refused items. */
  readonly message?: string;
}

/**
 * What a failed attempt means for the batch.
 *
 * `retryable`: it certainly did not arrive, and may arrive later · `throttled`: the same, and the backend says when ·
 * `permanent`: it is not tried again · `tooLarge`: it will not arrive in one piece ·
 * `unknownOutcome`: it was sent, and whether it arrived is unknown; it is sent again, and may arrive twice.
 */
export type Failure =
  | { readonly kind: 'tooLarge' | 'unknownOutcome' }
  | {
      readonly kind: 'retryable';
      /** Nothing listens at the address, so a shutdown does not wait for it for long. Default `false`. */
      readonly connectionRefused?: boolean;
    }
  | {
      readonly kind: 'permanent';
      /** Trying again is forbidden or in vain, although the batch may have arrived. Default `false`. */
      readonly mayHaveArrived?: boolean;
    }
  | {
      readonly kind: 'throttled';
      /** How long the backend asks to be left alone, in milliseconds. */
      readonly retryAfterMillis: number;
    };

/**
 * How an attempt ended.
 *
 * `accepted`: the backend took it · `retryable`, `throttled`, `permanent`, `tooLarge`, `unknownOutcome`: it failed in this way, see {@link Failure} · `timedOut`: it took too long ·
 * `cancelled`: it was aborted from outside, which says nothing about the backend.
 */
export type AttemptEnding = 'accepted' | Failure['kind'] | 'timedOut' | 'cancelled';

/** An export that failed, with what that means. */
export class ExportError extends SpanflowError {
  override readonly name = 'ExportError';

  /** What it means for the batch. */
  readonly failure: Failure;

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super('EXPORT_FAILED', message, options);
    this.failure = failure;
  }
}
