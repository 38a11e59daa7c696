import { NEVER, Subject, type Subscription } from 'rxjs';
import { FlushRequests } from '../../inputs/shared/flushRequests.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import type { Account } from '../../ledger/account.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { Run } from '../../ledger/run.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { SpanflowError } from '../../model/errors.ts';
import type { OpenOperator, OperatorListener, OperatorOutput, OperatorTaskSettings } from './options.ts';
import { shardBooks, withUnsent } from './shardBooks.ts';

/** How many values go back in one piece, at most. */
const MAX_VALUES = 1_000;

/** What the books have changed to without anything that came out is told after this long, in milliseconds. */
const BOOKS_INTERVAL_MILLIS = 250;

const NO_URGENCY: FlushUrgency = { timeoutMillis: Number.POSITIVE_INFINITY, isEnding: false };

/** One subscription of an operator in a worker. Its stages are part of a run, with books of its own. */
export class OpenedOperator<C, T, R, M> implements OpenOperator<C, M> {
  readonly #settings: OperatorTaskSettings<C, T, R, M>;
  readonly #listener: OperatorListener<M>;
  readonly #ledger = createLedger({ intervalMillis: BOOKS_INTERVAL_MILLIS });
  readonly #input: Account = this.#ledger.open('input', 'chunks');
  readonly #flushes = new FlushRequests();
  readonly #items = new Subject<T>();
  readonly #next = (item: T) => this.#items.next(item);
  readonly #subscription: Subscription;
  #values: R[] = []; // that have come out, and are not in a result yet
  #results: M[] = []; // that have not gone back
  #counts: number[] = []; // of values in each of them
  #unsent = 0; // values that could not be sent
  #hold: 'chunk' | 'turn' | undefined; // what has come out goes back when this is over
  #isOver = false;
  #onOver: (() => void) | undefined;

  constructor(settings: OperatorTaskSettings<C, T, R, M>, listener: OperatorListener<M>) {
    this.#settings = settings;
    this.#listener = listener;
    const run = this.#newRun();
    run.coversWhatFollows(this.#input);
    const values$ = run.supervise(settings.operator(this.#items));
    this.#subscription = run.within(() =>
      values$.subscribe({
        next: (value) => this.#take(value),
        error: (thrown: unknown) => {
          this.#listener.onTrouble(thrown);
          this.#over();
        },
        complete: () => this.#over(),
      }),
    );
    this.#subscription.add(this.#ledger.stats$.subscribe(() => this.#tellLater()));
  }

  get pendingItems(): number {
    return this.#ledger.stats().pending;
  }

  next(chunk: C): OperatorOutput<M> {
    const items = this.#settings.receive(chunk);
    if (!Array.isArray(items)) throw new TypeError(`receive returned no array, but ${typeof items}`);
    this.#hold = 'chunk';
    this.#input.accept(items.length);
    for (const item of items as readonly T[]) {
      if (this.#isOver) this.#input.remove(1);
      else this.#give(item);
    }
    return this.#answer();
  }

  #give(item: T): void {
    this.#input.handOn(1);
    this.#input.passOn(this.#next, item);
  }

  async flush(urgency: FlushUrgency = NO_URGENCY): Promise<void> {
    await new Promise<void>((resolve) => this.#flushes.send(resolve, urgency));
    this.#listener.onAnswer(this.#answer());
  }

  async complete(): Promise<OperatorOutput<M>> {
    const over = new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
    this.#items.complete();
    if (!this.#isOver) await over;
    this.#subscription.unsubscribe();
    return this.#answer();
  }

  withoutUnsent(output: OperatorOutput<M>, canBeSent: (result: M) => boolean): OperatorOutput<M> {
    const results: M[] = [];
    const counts: number[] = [];
    let unsent = 0;
    for (const [index, result] of output.results.entries()) {
      const count = output.counts[index] as number;
      if (canBeSent(result)) {
        results.push(result);
        counts.push(count);
      } else unsent += count;
    }
    this.#unsent += unsent;
    return { results, counts, books: withUnsent(output.books, unsent) };
  }

  close(): void {
    this.#isOver = true;
    this.#subscription.unsubscribe();
  }

  #newRun(): Run {
    const ignore = () => {};
    return new Run({
      ledger: this.#ledger,
      input: this.#input,
      flush$: this.#flushes.requests$,
      ...{ pauseWhen: NEVER, stopWhen: NEVER, giveUpWhen: NEVER, isHot: true, scheduler: monotonicScheduler },
      ...{ onRetry: ignore, addSink: ignore },
      onTrouble: (message) => this.#listener.onTrouble(new SpanflowError('OPERATOR_FAILED', message)),
    });
  }

  #over(): void {
    this.#isOver = true;
    this.#onOver?.();
  }

  #take(value: R): void {
    this.#values.push(value);
    if (this.#values.length >= MAX_VALUES) this.#pack();
    this.#tellLater();
  }

  /** What comes out within one turn goes back together. */
  #tellLater(): void {
    if (this.#hold !== undefined) return;
    this.#hold = 'turn';
    queueMicrotask(() => {
      if (this.#hold === 'turn' && !this.#subscription.closed) this.#listener.onAnswer(this.#answer());
    });
  }

  /** What has come out goes back. */
  #answer(): OperatorOutput<M> {
    this.#pack();
    this.#hold = undefined;
    const [results, counts] = [this.#results, this.#counts];
    this.#results = [];
    this.#counts = [];
    return { results, counts, books: shardBooks(this.#ledger.stats(), this.#input.offered, this.#unsent) };
  }

  #pack(): void {
    const values = this.#values;
    if (values.length === 0) return;
    this.#values = [];
    try {
      this.#results.push(this.#settings.send(values));
      this.#counts.push(values.length);
    } catch (thrown) {
      this.#unsent += values.length;
      this.#listener.onTrouble(thrown);
    }
  }
}
