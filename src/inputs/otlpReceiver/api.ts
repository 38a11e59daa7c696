import type { Observable } from 'rxjs';
import type { Batch, FlushRequest } from '../../model/batch.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Listening } from './listening.ts';

/** Where a receiver listens, by protocol. */
export interface ReceiverAddress {
  /** OTLP/HTTP. Left out: it is not opened. */
  readonly http?: Listening;
  /** OTLP/gRPC. Left out: it is not opened. */
  readonly grpc?: Listening;
}

/** What one signal holds at present. */
export interface SignalCounts {
  /** Items that wait in the queue. */
  readonly queuedItems: number;
  /** Items that wait or are out without an outcome, without those that a holder keeps within bounds of its own. */
  readonly pendingItems: number;
  /** The bytes of their requests. */
  readonly pendingBytes: number;
}

/** What a receiver is doing, and how it has answered. Items are in the books of its ledger. */
export interface ReceiverStats {
  /** Requests that have come. */
  readonly requests: number;
  /** Of those, requests without an answer at present. */
  readonly openRequests: number;
  /** Bytes of bodies that are being received or decoded at present, over HTTP and gRPC. */
  readonly bytesInFlight: number;
  /** Texts of received items that were not UTF-8 when somebody read them: the malformed bytes were read as U+FFFD. What nobody reads is passed on as it came, and does not count. */
  readonly malformedTexts: number;
  /** Connections at present. */
  readonly connections: number;
  /** How many requests were answered so. */
  readonly answers: {
    /** By status. Requests that Node's server refuses itself (their head is malformed or too slow) are not among them. */
    readonly http: Readonly<Record<string, number>>;
    /** By code. */
    readonly grpc: Readonly<Record<string, number>>;
  };
  /** By signal. */
  readonly signals: Readonly<Record<SignalName, SignalCounts>>;
}

/** An input that takes OTLP requests. Each is a batch, and its holds are the answer. */
export interface OtlpReceiver {
  /** One batch for each request that holds spans. It completes at the shutdown. */
  readonly traces$: Observable<Batch<SignalItems['traces']>>;
  /** One batch for each request that holds log records. It completes at the shutdown. */
  readonly logs$: Observable<Batch<SignalItems['logs']>>;
  /** One batch for each request that holds data points. It completes at the shutdown. */
  readonly metrics$: Observable<Batch<SignalItems['metrics']>>;
  /** For `flushWhen` of the stages behind: what `forceFlush` and `shutdown` ask for. */
  readonly flush$: Observable<FlushRequest>;
  /** Where it listens; empty before `listen`. */
  readonly address: ReceiverAddress;
  /**
   * Opens the servers. Subscribe to the streams first: requests of a signal that nobody has subscribed to are refused for good (404). The second call gives the promise of the first.
   *
   * It rejects with `CANNOT_LISTEN`, with `MISSING_PACKAGE` for gRPC without its package, and with `CLOSED` after a shutdown.
   */
  listen(): Promise<ReceiverAddress>;
  /** What it is doing now. */
  stats(): ReceiverStats;
  /** Resolves when everything that came before has its outcome, whichever; rejects at the timeout (`timeoutMillis`, default `shutdownTimeoutMillis`) with `FLUSH_TIMEOUT`. */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes no new requests (503), waits until those that came are answered and have their outcomes, ends the streams and closes the connections, idle and silent ones, too. At the timeout (`timeoutMillis`, default `shutdownTimeoutMillis`) the rest is answered with 503, what waits in the queue is lost as `shutdown`, and it rejects with
   * `FLUSH_TIMEOUT`. The second call gives the promise of the first.
   */
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
