import type { FlushUrgency } from '../model/batch.ts';
import type { LossReason } from '../model/tally.ts';

/** What a task is for its thread. */
export interface SentTask {
  readonly kind: 'function' | 'operator';
  readonly module: string;
  readonly export: string;
  readonly state?: string | undefined;
  readonly finish?: string | undefined;
}

/** The work of one message to a thread. `session`: which subscription's state it uses. */
interface SentJob {
  readonly job: number;
  readonly session: number;
  readonly task: SentTask;
}

/** What has become of the items that came to a state, since it was made. */
export interface StateBooks {
  /** Items that have come. */
  readonly items: number;
  /** Of these, what it holds. */
  readonly pendingItems: number;
  /** Of these, what it has taken out on purpose. */
  readonly removed: number;
  /** Of these, what it has lost. */
  readonly lost: Readonly<Partial<Record<LossReason, number>>>;
  /** What its stages count besides. */
  readonly figures: Readonly<Record<string, number>>;
}

/** From the pool to a thread. */
export type ToThread =
  | (SentJob & { readonly kind: 'run'; readonly chunk: unknown; readonly transfer: boolean })
  | (SentJob & { readonly kind: 'finish' })
  | { readonly kind: 'abort'; readonly job: number }
  | {
      readonly kind: 'flush';
      readonly session: number;
      readonly flush: number;
      readonly urgency: FlushUrgency | undefined;
    }
  | { readonly kind: 'close'; readonly session: number };

/**
 * From a thread to the pool. `done`, `failed`: one for each job, with what the state says of itself; of an operator, `value` is an array of results · `emitted`: these results of an operator came later than their chunks · `trouble`: an operator has thrown, and goes on ·
 * `flushed`: what came before a flush has been emitted.
 */
export type FromThread =
  | { readonly kind: 'done'; readonly job: number; readonly value: unknown; readonly books: StateBooks }
  | { readonly kind: 'failed'; readonly job: number; readonly error: unknown; readonly books: StateBooks | undefined }
  | {
      readonly kind: 'emitted';
      readonly session: number;
      readonly value: readonly unknown[];
      readonly books: StateBooks;
    }
  | { readonly kind: 'trouble'; readonly session: number; readonly error: unknown }
  | { readonly kind: 'flushed'; readonly flush: number };

/** What a thread is told at its start. */
export interface ThreadData {
  /** Its number in the pool. */
  readonly worker: number;
  /** Runs below the priority of the program, where the system has priorities of threads. */
  readonly isBackground: boolean;
}
