import type { ReceiverAddress, ReceiverStats } from '../inputs/otlpReceiver/index.ts';
import type { Stats } from '../ledger/stats.ts';
import type { RelayConfig } from './options.ts';
import type { RelayFigures } from './stats/figures.ts';

/**
 * What a relay does. `starting`: it does not listen yet · `ready`: it takes requests · `failed`: its composition has ended by itself, requests are answered with 503, and only a reload or another process helps · `draining`: it is being shut down, takes nothing new and sends what it has · `stopped`: it is over.
 */
export type RelayState = 'starting' | 'ready' | 'failed' | 'draining' | 'stopped';

/** Where a relay listens. */
export interface RelayAddress extends ReceiverAddress {
  /** The URL of the server for whoever watches the relay. Left out: it is not opened. */
  readonly admin?: string;
}

/** What a relay is doing, and has done. */
export interface RelayStats {
  /** What it does at present. */
  readonly state: RelayState;
  /** Which composition is at work: 1 at first, one more with each reload. */
  readonly generation: number;
  /** How requests were answered. */
  readonly receiver: ReceiverStats;
  /** The books: `receive` of the receiver, `generation 1` of a composition. One that was replaced is among them until it has sent what it had. */
  readonly ledgers: Readonly<Record<string, Stats>>;
  /** The same as numbers that can be added up, with those of compositions that have ended. */
  readonly figures: RelayFigures;
}

/** What a reload came to. */
export interface RelayReload {
  /** What has changed and needs another process: `receive`, `admin`. Everything else holds from now on. */
  readonly needsRestart: readonly ('receive' | 'admin')[];
}

/** How a shutdown went. */
export interface RelayReport {
  /** Whether everything that had come was answered, and had its outcome, in time. */
  readonly isDrained: boolean;
  /** Items that a backend confirmed while it drained. */
  readonly delivered: number;
  /** Items that were lost while it drained, those of destinations that are not required left out. With `acknowledge: 'delivered'` their senders know. */
  readonly lost: number;
  /** The same by the place where it happened: a destination (`main(traces)`), or a stage in front of all (`rebatch(traces)`). Where nothing was lost is left out. */
  readonly losses: Readonly<Record<string, RelayLoss>>;
}

/** What was lost at one place while a relay drained. */
export interface RelayLoss {
  /** Items: 1 or more. */
  readonly items: number;
  /** Whether they count in the `lost` of the whole: `false` at a destination with `required: false`. */
  readonly isRequired: boolean;
}

/** A relay: OTLP in, processed, and out again. */
export interface Relay {
  /** Where it listens; empty before `listen`. */
  readonly address: RelayAddress;
  /** Opens the servers. It rejects with `CANNOT_LISTEN`, and with `MISSING_PACKAGE` for gRPC without its package. */
  listen(): Promise<RelayAddress>;
  /**
   * Another configuration from now on. The new composition takes over within the turn, and no request is refused for it; the old one sends what it has, and ends. What is wrong is thrown, and nothing has changed then. With a composition of the program's own only `shutdownTimeoutMillis` can change.
   *
   * @param config the new configuration, or a function that reads it: what that throws is thrown, and counted as a refused reload, too
   *
   * @throws InvalidOptionError with all mistakes of the configuration
   */
  reload(config: RelayConfig | (() => RelayConfig)): RelayReload;
  /** What it is doing now. */
  stats(): RelayStats;
  /** Takes nothing new, answers what has come, and sends it, for `timeoutMillis` at most (default `shutdownTimeoutMillis`). It never rejects. The second call gives the promise of the first. */
  shutdown(options?: { timeoutMillis?: number }): Promise<RelayReport>;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
