import type { OperatorFunction } from 'rxjs';
import { aFunction, type Rules } from '../../internal/validation.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import type { StateBooks } from '../protocol.ts';

/** The options of {@link operatorTask}. `C` comes to the worker, `T` goes into the operator, `R` comes out, `M` goes back. */
export interface OperatorTaskOptions<C, T, R, M> {
  /** What runs in each worker: an operator, or `pipe(…)` of several. It lives as long as the subscription of {@link inWorkers}, and may answer whenever it likes. */
  operator: OperatorFunction<T, R>;
  /** Makes of a chunk the items that go into the operator. If it throws, the chunk is lost as `operatorFailed`. Default: the chunk itself, which has to be an array. */
  receive?: (chunk: C) => readonly T[];
  /** Makes of what has come out together, at most a thousand values, what goes back: their encoded bytes, for example. If it throws, or returns what cannot be cloned, they are lost as `operatorFailed`. Default: an array of them, which is copied. */
  send?: (values: readonly R[]) => M;
}

export type OperatorTaskSettings<C, T, R, M> = Required<OperatorTaskOptions<C, T, R, M>>;

const same = (value: unknown) => value;

export const OPERATOR_TASK_DEFAULTS = Object.freeze({ receive: same, send: same });

export const OPERATOR_TASK_RULES: Rules<OperatorTaskSettings<never, never, never, never>> = {
  operator: aFunction,
  receive: aFunction,
  send: aFunction,
};

/** What has come out of an operator in a worker, and what its books are now. */
export interface OperatorAnswer<M> {
  /** What goes back. */
  readonly results: readonly M[];
  /** Since the operator was opened. */
  readonly books: StateBooks;
}

/** An answer, as it is in the worker. */
export interface OperatorOutput<M> extends OperatorAnswer<M> {
  /** How many values are in each of the results. */
  readonly counts: readonly number[];
}

/** What an operator in a worker tells without being asked. */
export interface OperatorListener<M> {
  /** Something has come out later than its chunk, or the books have changed. */
  onAnswer(output: OperatorOutput<M>): void;
  /** An operator has thrown, and goes on. */
  onTrouble(error: unknown): void;
}

/** An operator in a worker, for one subscription. */
export interface OpenOperator<C, M> {
  /** What its stages hold now. */
  readonly pendingItems: number;
  /** A chunk has come. Returns what came out at once. */
  next(chunk: C): OperatorOutput<M>;
  /** Resolves when everything that came before has gone out. */
  flush(urgency: FlushUrgency | undefined): Promise<void>;
  /** Nothing comes any more. Resolves when everything has gone out, with the last of it. */
  complete(): Promise<OperatorOutput<M>>;
  /** Some results of what came out cannot be sent: returns the others, with books that say what is lost. */
  withoutUnsent(output: OperatorOutput<M>, canBeSent: (result: M) => boolean): OperatorOutput<M>;
  /** Nothing is wanted any more. */
  close(): void;
}

/** An operator that can run in a worker, from {@link operatorTask}. */
export interface OperatorTask<C, M> {
  /** @internal Begins a subscription. */
  open(listener: OperatorListener<M>): OpenOperator<C, M>;
}
