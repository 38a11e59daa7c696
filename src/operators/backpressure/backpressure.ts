import { type MonoTypeOperatorFunction, Observable, type Subscriber, Subscription } from 'rxjs';
import { BoundedQueue, measure, QUEUE_RULES } from '../../flow/boundedQueue.ts';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { QUEUE_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { anOverflow, type Rules, settingsOf, shape } from '../../internal/validation.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { countOf, STAGE_RULES, StageReporter } from '../../ledger/stageReporter.ts';
import { InvalidOptionError, QueueFullError } from '../../model/errors.ts';
import type { Overflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';

export interface BackpressureOptions<T> {
  /**
   * Each number lets so many more items out: a whole number from 0, or `Infinity` for all that come from then on. What is not used yet adds up. Anything else is no
   * demand: it is told to `onCallbackError`, and changes nothing.
   */
  demand: Observable<number>;
  /** Items that wait for demand, at most: 1 or more, default 10,000. More rides out longer pauses and takes more memory. */
  maxQueueSize?: number;
  /** Their estimated bytes, at most: 1 or more, default 64 MiB. An item that is larger by itself is lost as `tooLarge`. */
  maxQueueBytes?: number;
  /**
   * What happens to an item that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` loses those that have waited longest;
   * `error` refuses it, unsubscribes the source, lets out what is queued as it is asked for, and then errors with a {@link QueueFullError}.
   */
  overflow?: Overflow;
  /**
   * Is closed while half of the queue is taken, and opened again at a quarter. For inputs that can wait; and its `saturated$` tells anybody else. A gate that several stages share is saturated while
   * any of them is; one of its own, `createGate()`, tells of this queue alone.
   */
  gate?: Gate;
  /** Estimates the bytes of an item. Default: see {@link estimateItemBytes}. An exception or a number that is none counts as 512 bytes. */
  sizeOf?: (item: T) => number;
  /** Told of each loss (`queueFull`, `tooLarge`, `unsubscribed`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Told when `onLoss` or `sizeOf` throws, or `sizeOf` or `demand` says what is no number of theirs. */
  onCallbackError?: (thrown: unknown) => void;
  /** Books what comes and what is lost. Left out: this stage has books that nobody sees. */
  ledger?: Ledger;
}

type BackpressureSettings<T> = Required<Omit<BackpressureOptions<T>, 'gate' | 'ledger'>> & {
  gate: Gate | undefined;
  ledger: Ledger | undefined;
};

export const BACKPRESSURE_DEFAULTS: Readonly<Omit<BackpressureSettings<unknown>, 'demand'>> = Object.freeze({
  maxQueueSize: 10_000,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  gate: undefined,
  sizeOf: estimateItemBytes,
  onLoss: () => {},
  onCallbackError: () => {},
  ledger: undefined,
});

const BACKPRESSURE_RULES: Rules<BackpressureSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  demand: shape('an Observable of numbers', 'subscribe'),
  overflow: anOverflow,
};

const STAGE = 'backpressure';

/**
 * Holds items back in a bounded queue, and lets out as many as are asked for.
 *
 * ```text
 * source     abcd----|
 * demand     --2----1--3
 * to source  ^-------!
 * to demand  ^---------!
 *            backpressure: as many as demand asks for
 * result     --(ab)-c--(d|)
 * ```
 *
 * **Emits** an item as soon as there is one and it has been asked for. **Completes** when the source has, and the queue is empty. **Errors** like the source, when the
 * queue is empty; with the error of `demand`, at once. When `demand` has completed and nothing of it is left, nothing more could come out: then it ends as well, and what
 * is queued is lost. **Unsubscribed**, it reports what was queued as lost.
 *
 * **Order**: that of the source. An item, or demand, that comes while another item is being emitted waits until that has returned.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`), `unsubscribed`. Each is told to `onLoss`.
 *
 * **Process**: it has no timer, and holds the process for nothing: whether more is ever asked for it cannot know.
 *
 * **Saturation**: `saturated$` of its gate is `true` from the moment in which the queue is half full, in items or in bytes, until it is down to a quarter or at its end.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const demand = new Subject<number>();
 * const gate = createGate();
 * gate.saturated$.subscribe((saturated) => console.log(saturated ? 'filling up' : 'keeping up'));
 * fromAsyncIterable(['first', 'second', 'third'], { gate })
 *   .pipe(backpressure({ demand, gate, maxQueueSize: 1_000 }))
 *   .subscribe((line) => {
 *     console.log(line);
 *     demand.next(1); // it is done with, and the next one is welcome
 *   });
 * demand.next(1);
 * ```
 *
 * @see boundedMergeMap
 */
export function backpressure<T>(options: BackpressureOptions<T>): MonoTypeOperatorFunction<T> {
  const settings = settingsOf<BackpressureSettings<T>>(STAGE, BACKPRESSURE_DEFAULTS, BACKPRESSURE_RULES, options);
  const account = (settings.ledger ?? createLedger()).open('operator', STAGE);
  const reporter = new StageReporter<T>(account, settings);
  return function backpressureOperator(source) {
    return new Observable((subscriber) => holdBack(subscriber, source, settings, reporter));
  };
}

function holdBack<T>(
  subscriber: Subscriber<T>,
  source: Observable<T>,
  settings: BackpressureSettings<T>,
  reporter: StageReporter<T>,
): void {
  const { account } = reporter;
  const { maxQueueSize, maxQueueBytes, overflow, sizeOf } = settings;
  const { gate } = settings;
  const water = new WaterMarks(gate && (() => gate.close()), QUEUE_MARKS);
  const queue = new BoundedQueue<T>(settings);
  const [upstream, demand] = [new Subscription(), new Subscription()];
  let granted = 0; // items that have been asked for and are not there yet
  let grantsOver = false; // nobody will ask for more
  let draining = false;
  let finish: (() => void) | undefined; // how the stream is to end, once the source has

  const offer = (item: T) => {
    const bytes = measure(item, sizeOf, reporter);
    // A callback may have unsubscribed meanwhile: then there is no queue any more.
    if (subscriber.closed) return reporter.refused('unsubscribed', [item]);
    if (!queue.admits(bytes)) return reporter.refused('tooLarge', [item]);
    if (queue.fits(bytes)) return admit(item, bytes);
    if (overflow === 'dropOldest') return makeRoomFor(item, bytes);
    reporter.refused('queueFull', [item]);
    if (overflow !== 'error') return;
    reporter.tearDown(upstream);
    endBy(() => subscriber.error(new QueueFullError(STAGE, maxQueueSize, maxQueueBytes)));
  };

  const admit = (item: T, bytes: number) => {
    account.accept(countOf(item));
    queue.push(item, bytes);
    drain();
  };

  const makeRoomFor = (item: T, bytes: number) => {
    const evicted: T[] = [];
    while (!queue.fits(bytes)) evicted.push(queue.shift());
    admit(item, bytes);
    reporter.lost('queueFull', evicted);
  };

  const grant = (count: number) => {
    if (!isDemand(count)) return reporter.callbackFailed(badDemand(count));
    granted += count; // beyond 2 ** 53 taking one away changes nothing, which is as good as Infinity
    drain();
  };

  const drain = () => {
    if (draining) return;
    draining = true;
    while (granted > 0 && queue.length > 0) {
      granted -= 1;
      const item = queue.shift();
      account.handOn(countOf(item));
      subscriber.next(item);
    }
    draining = false;
    water.tell(queue.fillRatio);
    finishIfDone();
  };

  const finishIfDone = () => {
    if (draining) return;
    const dry = grantsOver && granted === 0;
    if (finish !== undefined && (queue.length === 0 || dry)) finish();
    else if (dry) subscriber.complete();
  };

  const endBy = (how: () => void) => {
    finish = how;
    finishIfDone();
  };

  const endOfGrants = () => {
    grantsOver = true;
    finishIfDone();
  };

  const unwatch = account.watch({ queueSize: () => queue.length, queueBytes: () => queue.bytes });
  // One by one, so that one that throws does not keep the others from their turn.
  subscriber.add(upstream);
  subscriber.add(demand);
  subscriber.add(() => reporter.lost('unsubscribed', queue.clear()));
  subscriber.add(() => water.end());
  subscriber.add(unwatch);
  // Demand that is there already is known before the first item comes.
  const errorOfDemand = (thrown: unknown) => subscriber.error(thrown);
  subscribeInto(settings.demand, { next: grant, error: errorOfDemand, complete: endOfGrants }, demand);
  const error = (thrown: unknown) => endBy(() => subscriber.error(thrown));
  subscribeInto(source, { next: offer, error, complete: () => endBy(() => subscriber.complete()) }, upstream);
}

function isDemand(count: number): boolean {
  return count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && count >= 0);
}

function badDemand(count: unknown): InvalidOptionError {
  return new InvalidOptionError(`${STAGE}.demand`, 'a whole number from 0, or Infinity', count);
}
