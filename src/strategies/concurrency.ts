import type { AttemptEnding } from '../model/sink.ts';

/** An attempt that is over, as a limiter sees it. Times are those of the scheduler. */
export interface LimitedAttempt {
  /** How it ended. */
  readonly ending: AttemptEnding;
  /** When it began, in milliseconds. */
  readonly startedAtMillis: number;
  /** When it ended, in milliseconds. */
  readonly endedAtMillis: number;
  /** How many items were sent: what takes longer because it is larger is not queued. */
  readonly items: number;
  /** Attempts in flight when it began, itself included. */
  readonly inFlight: number;
}

/** Decides how many attempts may be in flight. It reads no clock. */
export interface ConcurrencyStrategy {
  /** A whole number from 1. */
  readonly limit: number;
  ended(attempt: LimitedAttempt): void;
}

/** What the ending of an attempt says about the backend. */
export type Signal = 'roundTrip' | 'congestion' | 'none';

/**
 * A success is a round trip. A refusal for the time being and a timeout are congestion. What was refused for good, or as too large, and what was cancelled says nothing about the load.
 */
export function signalOf(ending: AttemptEnding): Signal {
  if (ending === 'accepted') return 'roundTrip';
  return ending === 'permanent' || ending === 'tooLarge' || ending === 'cancelled' ? 'none' : 'congestion';
}
