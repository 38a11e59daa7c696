import {
  Observable,
  type ObservableInput,
  type ObservedValueOf,
  type OperatorFunction,
  type Subscriber,
  Subscription,
} from 'rxjs';
import { measure } from '../../flow/boundedQueue.ts';
import { Ring } from '../../flow/ring.ts';
import { Slots } from '../../flow/slots.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { aFunction, settingsOf } from '../../internal/validation.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { countOf, StageReporter } from '../../ledger/stageReporter.ts';
import { InvalidOptionError, QueueFullError } from '../../model/errors.ts';
import { collect, type Ending } from './inner.ts';
import { KeyedLine, type Line, PlainLine, type Waiting } from './line.ts';
import {
  BOUNDED_MERGE_MAP_DEFAULTS,
  BOUNDED_MERGE_MAP_RULES,
  type BoundedMergeMapOptions,
  type BoundedMergeMapSettings,
  type MergeOrder,
  STAGE,
} from './options.ts';

/** What came of one item. */
export type Merged<T, R> =
  /** Its inner Observable completed. */
  | { readonly kind: 'completed'; readonly item: T; readonly index: number; readonly values: readonly R[] }
  /** `project` (or `key`) threw, or its inner Observable failed, after the values that it had emitted. */
  | {
      readonly kind: 'failed';
      readonly item: T;
      readonly index: number;
      readonly values: readonly R[];
      readonly error: unknown;
    };

/**
 * Makes an Observable of each item, runs so many of them at once, and keeps the rest in a bounded queue: what `mergeMap(project, n)` should have been.
 *
 * ```text
 * source     abc|
 * inner      ----|
 * to source  ^--!
 * to inner   ^---!
 *            -^---!
 *            ----^---!
 *            boundedMergeMap: concurrency 2, one result per item
 * result     ----ab--(c|)
 * ```
 *
 * **Emits** one result per item, when its inner Observable has ended and been torn down: `kind` says whether it `completed` or `failed`, beside it are the `item`, its `index`
 * (from 0, as it came; an item that was lost leaves a gap) and the `values` of the inner Observable. So a failure is the result of its item, and never the end of the others; a
 * `project` that throws likewise. **Completes** after the source, when every item has its result. **Errors** like the source, after the results.
 * **Unsubscribed**, it starts nothing more, aborts what is running and reports what it held. (A promise cannot be aborted: its answer is ignored.)
 *
 * **Order**: see {@link MergeOrder}. An item that comes while a result is being emitted queues behind; nothing recurses, however much completes synchronously.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`); when unsubscribed, `unsubscribed` for what was queued, and `unconfirmed` for what had begun and whose result nobody will
 * hear. Each is told to `onLoss`.
 *
 * **Process**: it has no timer, and holds the process for nothing: whether an inner Observable ever ends it cannot know. What runs there does by itself: a request, a timer, a {@link retryWithBackoff}.
 *
 * @param project makes an Observable, a promise or an iterable of an item
 *
 * @throws InvalidOptionError when `project` is no function, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const lengthOf = (path: string) => readFile(path).then((content) => content.length);
 * of('package.json', 'nowhere.json', 'README.md')
 *   .pipe(boundedMergeMap(lengthOf, { concurrency: 2, order: 'source' }))
 *   .subscribe((result) => {
 *     if (result.kind === 'failed') console.warn(result.item, result.error);
 *     else console.log(result.item, result.values[0]);
 *   });
 * ```
 *
 * @see exportTo, backpressure
 */
export function boundedMergeMap<T, O extends ObservableInput<unknown>>(
  project: (item: T, index: number) => O,
  options: BoundedMergeMapOptions<T> = {},
): OperatorFunction<T, Merged<T, ObservedValueOf<O>>> {
  const settings = settingsOf<BoundedMergeMapSettings<T>>(
    STAGE,
    BOUNDED_MERGE_MAP_DEFAULTS,
    BOUNDED_MERGE_MAP_RULES,
    options,
    { project: [project, aFunction] },
  );
  const account = (settings.ledger ?? createLedger()).open('operator', STAGE);
  const reporter = new StageReporter<T>(account, settings);
  const open = project as (item: T, index: number) => ObservableInput<ObservedValueOf<O>>;
  return function boundedMergeMapOperator(source) {
    return new Observable((subscriber) => mergeInto(subscriber, source, open, settings, reporter));
  };
}

/** An item that has begun, and whose result has not been emitted. */
interface Begun<T, R> {
  readonly waiting: Waiting<T>;
  readonly run: Subscription;
  ending: Ending<R> | undefined;
}

function mergeInto<T, R>(
  subscriber: Subscriber<Merged<T, R>>,
  source: Observable<T>,
  project: (item: T, index: number) => ObservableInput<R>,
  settings: BoundedMergeMapSettings<T>,
  reporter: StageReporter<T>,
): void {
  const { concurrency, maxQueueSize, maxQueueBytes, maxValuesPerItem: maxValues, order, overflow } = settings;
  const { account } = reporter;
  const { gate } = settings;
  const water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
  const slots = new Slots(typeof concurrency === 'number' ? concurrency : 1);
  const line: Line<T> = typeof order === 'object' ? new KeyedLine() : new PlainLine();
  const begun = new Set<Begun<T, R>>();
  const outbox = new Ring<Begun<T, R>>(); // in the order in which their results are to come
  const [upstream, limits] = [new Subscription(), new Subscription()];
  const callbackError = (thrown: unknown) => reporter.callbackFailed(thrown);
  let offered = 0; // items that have come
  let early = 0; // results that wait for an earlier one, or for the end of an emission
  let lineBytes = 0; // of those in line
  let earlyBytes = 0; // of the items of those results
  let emitting = false;
  let finish: (() => void) | undefined; // how the stream is to end, once the source has

  const offer = (item: T) => {
    const waiting = waitingOf(item, offered++, measure(item, settings.sizeOf, reporter), order);
    // A callback may have unsubscribed meanwhile: then there is no line any more.
    if (subscriber.closed) return reporter.refused('unsubscribed', [item]);
    if (waiting.bytes > maxQueueBytes) return reporter.refused('tooLarge', [item]);
    if (hasRoom(waiting)) return admit(waiting);
    const evicted = overflow === 'dropOldest' ? makeRoom(waiting) : [];
    if (evicted.length > 0) admit(waiting);
    if (evicted.length > 0) reporter.lost('queueFull', evicted);
    else reporter.refused('queueFull', [item]);
    if (overflow !== 'error') return;
    reporter.tearDown(upstream);
    endBy(() => subscriber.error(new QueueFullError(STAGE, maxQueueSize, maxQueueBytes)));
  };

  const hasRoom = ({ key, bytes }: Waiting<T>) => {
    if (lineBytes + earlyBytes + bytes > maxQueueBytes) return false;
    const held = line.length + early + slots.running;
    if (held >= maxQueueSize + Math.max(slots.limit, slots.running)) return false;
    return line.length < maxQueueSize || (slots.free && line.isFree(key));
  };

  /** Those who leave for a newer one: at least one, if that helps. What waits for an earlier result cannot leave. */
  const makeRoom = ({ bytes }: Waiting<T>) => {
    const evicted: T[] = [];
    if (earlyBytes + bytes > maxQueueBytes) return evicted;
    do {
      const oldest = line.evict();
      if (oldest === undefined) break;
      lineBytes -= oldest.bytes;
      evicted.push(oldest.item);
    } while (lineBytes + earlyBytes + bytes > maxQueueBytes);
    return evicted;
  };

  const admit = (waiting: Waiting<T>) => {
    account.accept(countOf(waiting.item));
    line.push(waiting);
    lineBytes += waiting.bytes;
    seekSlot();
    tellGate();
  };

  const tellGate = () => {
    water.tell(Math.max((line.length + early) / maxQueueSize, (lineBytes + earlyBytes) / maxQueueBytes));
  };

  /** As many wait for a slot as could begin. Who begins is decided when there is one; an eviction leaves one too many, for the next. */
  const seekSlot = () => {
    if (slots.waiting < line.startable) slots.acquire(begin);
  };

  const begin = () => {
    const waiting = line.take();
    if (waiting === undefined) return slots.release();
    lineBytes -= waiting.bytes;
    const entry: Begun<T, R> = { waiting, run: new Subscription(), ending: undefined };
    begun.add(entry);
    if (order === 'source') outbox.push(entry);
    const onEnd = (ending: Ending<R>) => end(entry, ending);
    collect(() => opened(waiting), { run: entry.run, maxValues, reporter, onEnd });
  };

  const opened = ({ item, index, failure }: Waiting<T>) => {
    if (failure !== undefined) throw failure.error;
    return project(item, index);
  };

  const end = (entry: Begun<T, R>, ending: Ending<R>) => {
    entry.ending = ending;
    early += 1;
    earlyBytes += entry.waiting.bytes;
    if (order !== 'source') outbox.push(entry);
    emit();
    line.ended(entry.waiting.key);
    seekSlot();
    slots.release();
    tellGate();
    finishIfDone();
  };

  /** Emits the results whose turn it is. One that is ready while another is being emitted comes after it, never within it. */
  const emit = () => {
    if (emitting) return;
    emitting = true;
    for (let next = outbox.peek(); next?.ending !== undefined; next = outbox.peek()) {
      outbox.shift();
      begun.delete(next);
      early -= 1;
      earlyBytes -= next.waiting.bytes;
      const { item, index } = next.waiting;
      account.handOn(countOf(item));
      subscriber.next({ ...next.ending, item, index });
    }
    emitting = false;
  };

  const finishIfDone = () => {
    if (finish !== undefined && !emitting && line.length === 0 && begun.size === 0) finish();
  };

  const endBy = (how: () => void) => {
    finish = how;
    finishIfDone();
  };

  const setLimit = (limit: number) => {
    if (!Number.isSafeInteger(limit) || limit < 1) return callbackError(badLimit(limit));
    slots.limit = limit;
    tellGate();
  };

  const reportHeld = () => {
    const itemsOf = (held: readonly Waiting<T>[]) => held.map(({ item }) => item);
    const cut = [...begun];
    for (const { run } of cut) reporter.tearDown(run);
    reporter.lost('unsubscribed', itemsOf(line.clear()));
    reporter.lost('unconfirmed', itemsOf(cut.map(({ waiting }) => waiting)));
  };

  // First no slot, then no source, then no inner: otherwise an abort would start the next in line. One by one, so that one that throws
  // does not keep the others from their turn.
  subscriber.add(() => slots.close());
  subscriber.add(upstream);
  subscriber.add(limits);
  subscriber.add(reportHeld);
  subscriber.add(() => water.end());
  subscriber.add(account.watch({ queueSize: () => line.length, queueBytes: () => lineBytes }));
  if (typeof concurrency !== 'number') subscribeInto(concurrency, { next: setLimit, error: callbackError }, limits);
  const error = (thrown: unknown) => endBy(() => subscriber.error(thrown));
  subscribeInto(source, { next: offer, error, complete: () => endBy(() => subscriber.complete()) }, upstream);
}

function waitingOf<T>(item: T, index: number, bytes: number, order: MergeOrder<T>): Waiting<T> {
  if (typeof order !== 'object') return { item, index, bytes, key: undefined, failure: undefined };
  try {
    return { item, index, bytes, key: order.key(item), failure: undefined };
  } catch (error) {
    // Nobody's key: it waits for nobody, and nobody for it.
    return { item, index, bytes, key: Symbol('no key'), failure: { error } };
  }
}

function badLimit(limit: unknown): InvalidOptionError {
  return new InvalidOptionError(`${STAGE}.concurrency`, 'a whole number from 1', limit);
}
