import { merge, type Observable, Subject, takeUntil } from 'rxjs';
import type { OtlpReceiver } from '../../inputs/otlpReceiver/index.ts';
import { type RunInput, registerInput } from '../../inputs/runInput.ts';
import { ledgerOf } from '../../ledger/ledger.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { type RunningPipeline, runPipeline } from '../../pipelines/runPipeline/runPipeline.ts';
import type { RelayCompose } from '../options.ts';
import { DrainBooks, type Drained } from '../stats/drainBooks.ts';

/** What one is built on. */
export interface GenerationBase {
  readonly receiver: OtlpReceiver;
  /** The receiver as the input of a run. */
  readonly input: RunInput;
  readonly shutdownTimeoutMillis: number;
}

/** One composition on the receiver's streams, with books and sinks of its own, until another one takes over. */
export class Generation {
  /** From 1 on. */
  readonly number: number;
  readonly #base: GenerationBase;
  readonly #stop = new Subject<void>();
  readonly #outcomes$: Observable<unknown>;
  #pipeline: RunningPipeline<unknown> | undefined; // once it has started
  #end: 'retired' | 'shutDown' | undefined; // what it was told to do; it may end by itself, too

  /** Composes it. What the program's composition throws passes. */
  constructor(number: number, base: GenerationBase, compose: RelayCompose) {
    this.number = number;
    this.#base = base;
    this.#outcomes$ = outcomesOf(compose, base.receiver, this.#stop);
  }

  /**
   * Takes what comes.
   *
   * @param onEnded called when it has ended, and its sinks are shut down; `isExpected`: because it was told to
   */
  start(onEnded: (isExpected: boolean) => void): void {
    const { input, shutdownTimeoutMillis } = this.#base;
    const ownInput = { flush$: input.flush$ };
    // The books of the receiver outlive a generation, which has its own.
    registerInput([ownInput], { ...input, ledger: undefined, end: (urgency) => this.#endInput(urgency) });
    const options = { shutdownDeadlineMillis: shutdownTimeoutMillis, exitDeadlineMillis: 0 };
    this.#pipeline = runPipeline(ownInput, this.#outcomes$, options);
    this.#pipeline.outcomes$.subscribe({ complete: () => onEnded(this.#end !== undefined) });
  }

  stats(): Stats | undefined {
    return this.#pipeline?.stats();
  }

  /** It takes nothing more, and sends what it has, with all retries that are allowed; then it ends. */
  retire(): void {
    this.#end = 'retired';
    this.#stop.next();
  }

  /** The receiver ends with it, unless it was retired before. */
  async shutdown(deadlineMillis: number): Promise<Drained | undefined> {
    this.#end ??= 'shutDown';
    const ledger = this.#pipeline && ledgerOf(this.#pipeline);
    if (this.#pipeline === undefined || ledger === undefined) return undefined;
    const books = new DrainBooks(ledger);
    const { delivered } = await this.#pipeline.shutdown({ deadlineMillis });
    return books.end(delivered);
  }

  /** One that was replaced, or has ended by itself, leaves the receiver to others. */
  #endInput(urgency: FlushUrgency): void {
    if (this.#end === 'shutDown') this.#base.input.end(urgency);
  }
}

/** What it returns is not subscribed yet. */
function outcomesOf(compose: RelayCompose, receiver: OtlpReceiver, stop$: Observable<unknown>): Observable<unknown> {
  const { traces$, logs$, metrics$, flush$ } = receiver;
  const until = <T>(batches$: Observable<T>) => batches$.pipe(takeUntil(stop$));
  const outcomes = compose({ traces$: until(traces$), logs$: until(logs$), metrics$: until(metrics$), flush$ });
  return merge(...[outcomes].flat());
}
