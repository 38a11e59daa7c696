import { catchError, concat, defer, EMPTY, from, map, mergeMap, Observable, type Subscriber, tap } from 'rxjs';
import type { Account } from '../../ledger/account.ts';
import { countOf, StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import { type Merged, Merging } from '../../operators/boundedMergeMap/index.ts';
import { BOUNDED_MERGE_MAP_DEFAULTS, type BoundedMergeMapSettings } from '../../operators/boundedMergeMap/options.ts';
import { shardOf } from '../../strategies/shard.ts';
import type { WorkerTask } from '../task.ts';
import type { WorkerSession } from '../workerPool/options.ts';
import { Chunk } from './chunk.ts';
import { lossReasonOf } from './lossReason.ts';
import { type InWorkersSettings, STAGE } from './options.ts';

/** One subscription of {@link inWorkers}: the queue, the order and the bounds are those of `boundedMergeMap`, and what runs is a chunk in the pool. */
export class Working<T, C, R, O> {
  readonly #settings: InWorkersSettings<T, C, R, O>;
  readonly #subscriber: Subscriber<O>;
  readonly #account: Account;
  readonly #reporter: StageReporter<Chunk<T>>;
  readonly #session: WorkerSession<C, R>;
  readonly #next = (output: O) => this.#subscriber.next(output);

  constructor(
    subscriber: Subscriber<O>,
    task: WorkerTask<C, R>,
    settings: InWorkersSettings<T, C, R, O>,
    account: Account,
  ) {
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#account = account;
    const { onLoss, onCallbackError, transfer, timeoutMillis, workers } = settings;
    this.#reporter = new StageReporter<Chunk<T>>(
      account,
      {
        onCallbackError,
        onLoss: (loss, chunks) => {
          for (const chunk of chunks) chunk.lost(loss);
          onLoss(
            loss,
            chunks.map(({ item }) => item),
          );
        },
      },
      (chunks) => chunks.reduce((sum, chunk) => sum + countOf(chunk.item), 0),
    );
    this.#session = workers.session(task, {
      transfer,
      timeoutMillis,
      onStateLost: (pendingItems, reason) => this.#loseHeld(pendingItems, reason),
    });
  }

  follow(source: Observable<T>): void {
    const chunks = new Observable<never>((subscriber) => {
      const plan = {
        owner: STAGE,
        count: (chunk: Chunk<T>) => countOf(chunk.item),
        project: (chunk: Chunk<T>) => this.#run(chunk),
        deliver: (result: Merged<Chunk<T>, R>) => this.#deliver(result),
      };
      new Merging(subscriber, plan, this.#queue(), this.#reporter).follow(source.pipe(map((item) => new Chunk(item))));
    });
    // Added first, and so it runs before what runs is aborted: what the states hold is counted as they are.
    this.#subscriber.add(() => this.#loseHeld(this.#session.close(), 'unsubscribed'));
    this.#subscriber.add(concat(chunks, this.#finish()).subscribe(this.#subscriber));
  }

  /** Bounds, order and gate, as the operator beneath takes them. */
  #queue(): BoundedMergeMapSettings<Chunk<T>> {
    const { workers, order, shardBy, sizeOf, maxQueueSize, maxQueueBytes, overflow, gate } = this.#settings;
    const keyOf = shardBy && ((chunk: Chunk<T>) => (chunk.worker = shardOf(String(shardBy(chunk.item)), workers.size)));
    return {
      ...BOUNDED_MERGE_MAP_DEFAULTS,
      concurrency: workers.size,
      order: keyOf === undefined ? order : { key: keyOf },
      sizeOf: ({ item }) => sizeOf(item),
      maxValuesPerItem: Number.POSITIVE_INFINITY,
      ...{ maxQueueSize, maxQueueBytes, overflow, gate },
    };
  }

  #run(chunk: Chunk<T>): Observable<R> {
    chunk.begun();
    const { send } = this.#settings;
    return this.#session.run(send(chunk.item), chunk.worker);
  }

  #deliver(result: Merged<Chunk<T>, R>): void {
    const { item: chunk } = result;
    if (result.kind === 'failed') this.#failed(chunk, result.error);
    else this.#received(chunk, result.values);
  }

  #received(chunk: Chunk<T>, values: readonly R[]): void {
    let outputs: O[];
    try {
      const { receive } = this.#settings;
      outputs = values.map((value) => receive(value, chunk.watched()));
    } catch (thrown) {
      this.#failed(chunk, thrown);
      return;
    }
    this.#account.handOn(countOf(chunk.item));
    for (const output of outputs) this.#account.passOn(this.#next, output);
    chunk.passedOn();
  }

  #failed(chunk: Chunk<T>, error: unknown): void {
    this.#reporter.lost(lossReasonOf(error), [chunk]);
    this.#reporter.guard(() => this.#settings.onTaskError(error, chunk.item));
  }

  /** All chunks have their results: ends the states. One that fails does not keep the others from ending. */
  #finish(): Observable<never> {
    const { onTaskError, receive } = this.#settings;
    const told = (error: unknown) => {
      this.#reporter.guard(() => onTaskError(error, undefined));
      return EMPTY;
    };
    const ended = (results: Observable<R>) =>
      results.pipe(
        map((result) => receive(result, undefined)),
        tap((output) => this.#account.passOn(this.#next, output)),
        catchError(told),
      );
    return defer(() => from(this.#session.finish())).pipe(
      mergeMap(ended),
      mergeMap(() => EMPTY),
    );
  }

  /** Items that a state holds count as handed on: their chunks had results. */
  #loseHeld(pendingItems: number, reason: LossReason): void {
    if (pendingItems === 0) return;
    this.#account.takeBack(pendingItems);
    this.#account.lose(pendingItems, reason);
    this.#reporter.report({ count: pendingItems, reason, stage: this.#account.stage }, []);
  }
}
