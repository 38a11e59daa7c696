import { catchError, concat, defer, EMPTY, from, map, mergeMap, Observable, type Subscriber, Subscription } from 'rxjs';
import { runGuarded } from '../../internal/runGuarded.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { Account } from '../../ledger/account.ts';
import type { Run } from '../../ledger/run.ts';
import { countOf, StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import { type Merged, Merging } from '../../operators/boundedMergeMap/index.ts';
import { BOUNDED_MERGE_MAP_DEFAULTS, type BoundedMergeMapSettings } from '../../operators/boundedMergeMap/options.ts';
import { ShardPlaces } from '../../strategies/shard.ts';
import type { OperatorAnswer } from '../operatorTask/options.ts';
import type { WorkerTask } from '../task.ts';
import type { WorkerSession } from '../workerPool/options.ts';
import { Chunk } from './chunk.ts';
import { ChunkFlushes } from './chunkFlushes.ts';
import { lossReasonOf } from './lossReason.ts';
import { type InWorkersSettings, STAGE } from './options.ts';
import { ShardAccount } from './shardAccount.ts';
import { TaskWarnings } from './taskWarnings.ts';

/** One subscription of {@link inWorkers}: the queue, the order and the bounds are those of `boundedMergeMap`, and what runs is a chunk in the pool. */
export class Working<T, C, R, O> {
  readonly #settings: InWorkersSettings<T, C, R, O>;
  readonly #subscriber: Subscriber<O>;
  readonly #account: Account;
  readonly #inRun: Run | undefined;
  readonly #reporter: StageReporter<Chunk<T>>;
  readonly #session: WorkerSession<C, R>;
  readonly #shards: ShardAccount | undefined; // where an operator runs in the workers
  readonly #flushes: ChunkFlushes;
  readonly #warnings: TaskWarnings;
  readonly #controls = new Subscription(); // to `flushWhen`, and to what it asks the workers for
  readonly #next = (output: O) => this.#subscriber.next(output);

  constructor(
    subscriber: Subscriber<O>,
    task: WorkerTask<C, R>,
    settings: InWorkersSettings<T, C, R, O>,
    account: Account,
    run: Run | undefined,
  ) {
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#account = account;
    this.#inRun = run;
    this.#warnings = new TaskWarnings(account.stage);
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
      onEmitted: (answer) => this.#answered(answer as OperatorAnswer<R>, 0),
      onTrouble: (error) => this.#told(error, undefined),
    });
    this.#shards = task.kind === 'operator' ? new ShardAccount(this.#reporter) : undefined;
    this.#flushes = new ChunkFlushes(monotonicScheduler, this.#session, this.#controls);
  }

  follow(source: Observable<T>): void {
    const chunks = new Observable<never>((subscriber) => {
      const plan = {
        owner: STAGE,
        count: (chunk: Chunk<T>) => countOf(chunk.item),
        project: (chunk: Chunk<T>) => this.#run(chunk),
        deliver: (result: Merged<Chunk<T>, R>) => this.#deliver(result),
      };
      new Merging(subscriber, plan, this.#queue(), this.#reporter).follow(
        source.pipe(map((item) => new Chunk(item, this.#flushes.begin()))),
      );
    });
    // Added first, and so it runs before what runs is aborted: what the states hold is counted as they are.
    this.#subscriber.add(() => this.#loseHeld(this.#session.close(), 'unsubscribed'));
    this.#subscriber.add(this.#controls);
    this.#subscriber.add(() => this.#flushes.end());
    this.#subscriber.add(() => this.#warnings.close());
    this.#followFlushes();
    this.#subscriber.add(concat(chunks, this.#finish()).subscribe(this.#subscriber));
  }

  #followFlushes(): void {
    const { flushWhen } = this.#settings;
    const flush = {
      next: (request: unknown) => this.#flushes.add(request),
      error: (thrown: unknown) => this.#subscriber.error(thrown),
    };
    if (flushWhen !== undefined) subscribeInto(flushWhen, flush, this.#controls);
  }

  /** Bounds, order and gate, as the operator beneath takes them. */
  #queue(): BoundedMergeMapSettings<Chunk<T>> {
    const { workers, order, shardBy, sizeOf, maxQueueSize, maxQueueBytes, overflow, gate } = this.#settings;
    const places = new ShardPlaces(workers.size);
    const keyOf = shardBy && ((chunk: Chunk<T>) => (chunk.worker = places.placeOf(String(shardBy(chunk.item)))));
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
    else if (this.#shards === undefined) this.#received(chunk, result.values);
    else this.#wentIn(chunk, result.values as unknown as readonly OperatorAnswer<R>[]);
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
    for (const output of outputs) this.#emit(output);
    chunk.passedOn();
  }

  /** A chunk has gone into the operator of its worker, and this has come out at once. */
  #wentIn(chunk: Chunk<T>, answers: readonly OperatorAnswer<R>[]): void {
    for (const answer of answers) this.#answered(answer, countOf(chunk.item));
    this.#inRun?.countedLater(this.#account);
    chunk.passedOn();
  }

  #answered({ results, books }: OperatorAnswer<R>, counted: number): void {
    this.#shards?.changed(books, counted);
    for (const result of results) this.#tell(() => this.#emit(this.#settings.receive(result, undefined)));
  }

  #emit(output: O): void {
    this.#flushes.emits();
    this.#account.passOn(this.#next, output);
  }

  /** What `receive` throws concerns no chunk. */
  #tell(work: () => void): void {
    runGuarded(work, (thrown) => this.#told(thrown, undefined));
  }

  #told(error: unknown, item: T | undefined): void {
    this.#warnings.tell(error);
    this.#reporter.guard(() => this.#settings.onTaskError(error, item));
  }

  #failed(chunk: Chunk<T>, error: unknown): void {
    this.#reporter.lost(lossReasonOf(error), [chunk]);
    this.#told(error, chunk.item);
  }

  /** All chunks have their results: ends the states. One that fails does not keep the others from ending. */
  #finish(): Observable<never> {
    const told = (error: unknown) => {
      this.#told(error, undefined);
      return EMPTY;
    };
    const ended = (results: Observable<R>) =>
      results.pipe(
        map((result) => this.#ended(result)),
        catchError(told),
      );
    return defer(() => from(this.#session.finish())).pipe(
      mergeMap(ended),
      mergeMap(() => EMPTY),
    );
  }

  #ended(result: R): void {
    if (this.#shards === undefined) this.#emit(this.#settings.receive(result, undefined));
    else this.#answered(result as unknown as OperatorAnswer<R>, 0);
  }

  /** Items that a state holds count as handed on: their chunks had results. */
  #loseHeld(pendingItems: number, reason: LossReason): void {
    if (pendingItems === 0) return;
    if (this.#shards !== undefined) {
      this.#shards.lose(pendingItems, reason);
      return;
    }
    this.#account.takeBack(pendingItems);
    this.#account.lose(pendingItems, reason);
    this.#reporter.report({ count: pendingItems, reason, stage: this.#account.stage }, []);
  }
}
