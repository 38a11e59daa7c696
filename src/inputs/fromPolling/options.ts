import type { SchedulerLike } from 'rxjs';
import { aGate, type Gate } from '../../flow/gate.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import { aFunction, aScheduler, millis, type Rules } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { aBackoff, type Backoff, exponentialBackoff } from '../../strategies/backoff.ts';

/** What is called. The signal is aborted when the result is not wanted any more. */
export type Fetch<T> = (call: {
  /** Aborted when the stream is unsubscribed, or the call takes longer than `timeoutMillis`. */
  readonly signal: AbortSignal;
}) => PromiseLike<T> | T;

/** The options of {@link fromPolling}. */
export interface FromPollingOptions {
  /** From the start of one call to the start of the next, in milliseconds: 0 or more. A call that takes longer delays the next one. */
  everyMillis: number;
  /** Nothing is called while it is closed. Default: one that stays open. */
  gate?: Gate;
  /** The waits after calls that fail, from the end of the call on; none is shorter than the rhythm asks for. What it throws, or a wait that is no number, is in the books, and the wait is 1 second. Default `exponentialBackoff({ initialMillis: 1_000, maxMillis: 60_000 })`. */
  backoff?: Backoff;
  /** How long one call may take, in milliseconds: 1 or more, or `Infinity`. Default 30,000. Then its signal is aborted, and it has failed. */
  timeoutMillis?: number;
  /** Called with what a call has thrown, and how many have failed in a row. What it throws itself is ignored. Default: nothing is called. */
  onFetchError?: (thrown: unknown, failuresInARow: number) => void;
  /** Whether the process is kept alive while the next call is waited for: `whileWaiting` (the default), or `never`. While the gate is closed it is not. */
  processHold?: ProcessHold;
  /** What the stage is called in losses and statistics. Default `fromPolling`. */
  name?: string;
  /** Counts what comes. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Numbers from 0 to 1 (excluded), for the jitter of `backoff`. Default `Math.random`. */
  random?: () => number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type FromPollingSettings = Required<Omit<FromPollingOptions, 'name' | 'ledger'>> & {
  name: string | undefined;
  ledger: Ledger | undefined;
};

export const FROM_POLLING_DEFAULTS: Readonly<Omit<FromPollingSettings, 'everyMillis' | 'gate'>> = Object.freeze({
  backoff: exponentialBackoff({ initialMillis: 1_000, maxMillis: 60_000 }),
  timeoutMillis: 30_000,
  onFetchError: () => {},
  processHold: 'whileWaiting',
  name: undefined,
  ledger: undefined,
  random: Math.random,
  scheduler: monotonicScheduler,
});

const { name, ledger } = STAGE_RULES;

export const FROM_POLLING_RULES: Rules<FromPollingSettings> = {
  everyMillis: millis(0),
  gate: aGate,
  backoff: aBackoff,
  timeoutMillis: millis(1, 'orInfinity'),
  onFetchError: aFunction,
  processHold: aProcessHold,
  name,
  ledger,
  random: aFunction,
  scheduler: aScheduler,
};

export const STAGE = 'fromPolling';
