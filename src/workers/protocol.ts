/** What a task is for its thread. */
export interface SentTask {
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

/** From the pool to a thread. */
export type ToThread =
  | (SentJob & { readonly kind: 'run'; readonly chunk: unknown; readonly transfer: boolean })
  | (SentJob & { readonly kind: 'finish' })
  | { readonly kind: 'abort'; readonly job: number }
  | { readonly kind: 'close'; readonly session: number };

/** From a thread to the pool: one for each job. `pendingItems`: what the state holds, as it says itself. */
export type FromThread =
  | { readonly kind: 'done'; readonly job: number; readonly value: unknown; readonly pendingItems: number }
  | { readonly kind: 'failed'; readonly job: number; readonly error: unknown; readonly pendingItems: number };

/** What a thread is told at its start. */
export interface ThreadData {
  /** Its number in the pool. */
  readonly worker: number;
  /** Runs below the priority of the program, where the system has priorities of threads. */
  readonly isBackground: boolean;
}
