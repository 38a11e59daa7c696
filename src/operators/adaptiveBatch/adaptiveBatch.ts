import { Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { heapBytesOf, processMemory } from '../../flow/memory.ts';
import { MEMORY_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { holdProcess, waiting } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { type Batch, type FlushRequest, type FlushUrgency, isFlushRequest } from '../../model/batch.ts';
import { QueueFullError } from '../../model/errors.ts';
import { lostTally } from '../../model/tally.ts';
import { GuardedStrategy } from '../../strategies/batchSize.ts';
import { Batcher } from './batcher.ts';
import { HeldBatch, type HeldBatchOwner } from './heldBatch.ts';
import { Intake } from './intake.ts';
import { type AdaptiveBatchOptions, type AdaptiveBatchSettings, adaptiveBatchSettings, STAGE } from './options.ts';
import { Unsettled } from './unsettled.ts';

/**
 * Gathers items into batches, by count, bytes and delay; the size follows how the exports go.
 *
 * ```text
 * source      -a-b-c----d-------|
 * subscribed  ^-----------------!
 *             adaptiveBatch: count 3, delay 4 ms
 * result      -----[abc]----[d]-|
 * ```
 *
 * **Emits** a batch as soon as its count or its bytes reach the target, or its first item has waited for the delay, or a flush asks for it;
 * never an empty one. While those who hold its batches take no other one, a batch that is due keeps growing to its maximum, so that a slow
 * backend gets fewer and larger requests. No timer runs while nothing is queued or out.
 * **Completes** after the source, when what was queued has gone out and everything that is held has an outcome.
 * **Errors** like the source: what is queued goes out first, and what is held gets its outcome.
 * **Unsubscribed**, it reports what was queued as lost.
 *
 * **Order**: items keep theirs. A `next` from inside `next` joins the queue behind.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`), `unsubscribed`, `leaseExpired`. Each is counted in the ledger and told to `onLoss`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * input.spans$
 *   .pipe(adaptiveBatch({ maxExportBatchSize: 1_000, scheduledDelayMillis: 200, flushWhen: input.flush$ }))
 *   .subscribe((batch) => console.log(batch.closedBy, batch.items.length));
 * ```
 *
 * @see exportTo
 */
export function adaptiveBatch<T>(options: AdaptiveBatchOptions<T> = {}): OperatorFunction<T, Batch<T>> {
  const settings = adaptiveBatchSettings(options);
  const account = (settings.ledger ?? createLedger()).open('batch', STAGE);
  return function adaptiveBatchOperator(source) {
    return new Observable((subscriber) => batchInto(subscriber, source, settings, account));
  };
}

/** A request that waits for the outcomes of the items before `upTo`. */
interface PendingFlush {
  readonly upTo: number;
  readonly hold: ReturnType<FlushRequest['hold']>;
  readonly urgency: FlushUrgency | undefined;
  readonly atMillis: number;
}

function batchInto<T>(
  subscriber: Subscriber<Batch<T>>,
  source: Observable<T>,
  settings: AdaptiveBatchSettings<T>,
  account: Account,
): void {
  const { scheduler, processHold } = settings;
  const strategy = new GuardedStrategy(settings.strategy, settings, () => {
    account.callbackFailed();
  });
  const batcher = new Batcher<T>(settings, strategy.size);
  const memory = (settings.memory ?? processMemory()).open(batcher);
  const intake = new Intake(settings, account, batcher, memory, {
    onEvicted: () => {
      taken += 1;
      answerFlushes();
    },
    isOpen: () => !stopped,
    onFull: () => {
      batcher.makeAllDue('bytes');
      drain();
    },
  });
  const unsettled = new Unsettled<T>(scheduler, settings.holdLeaseMillis, (batch) => {
    intake.tell('leaseExpired', batch.items);
    batch.expire(lostTally(batch.size, 'leaseExpired', account.stage));
  });
  const closing = settings.gate && closingOf(settings.gate, settings);
  const water = new WaterMarks(closing, { high: 2, low: 1 }); // in full batches
  const filling = new WaterMarks(closing, MEMORY_MARKS);
  const flushes: PendingFlush[] = [];
  const inputs = new Subscription(); // to the source and to `flushWhen`
  let taken = 0; // items that have left the queue
  let unready = 0; // holders that cannot take another batch
  let openedAtMillis = 0; // when the first item of the present batch came
  let delayTimer: Subscription | undefined;
  let draining = false;
  let finish: (() => void) | undefined; // how the stream is to end, once the source has
  let stopped = false;

  const offer = (item: T) => {
    if (finish !== undefined) return;
    if (batcher.length === 0) openedAtMillis = scheduler.now();
    const admission = intake.admit(item);
    if (admission === 'overflown') return overflow();
    if (stopped) return;
    if (batcher.due) drain();
    else if (delayTimer === undefined) arm();
    tellLevels();
  };

  const tellLevels = () => {
    if (closing === undefined) return;
    water.tell(batcher.fullBatches);
    filling.tell(memory.fillRatio);
    // Others may give back what this one waits for.
    if (filling.closed) memory.wait(Math.ceil(memory.heldBytes * ROOM_TO_OPEN), tellLevels);
    else memory.stopWaiting();
  };

  const overflow = () => {
    inputs.unsubscribe();
    end('error', () => subscriber.error(new QueueFullError(STAGE, settings.maxQueueSize, settings.maxQueueBytes)));
  };

  const mayEmit = () => !stopped && batcher.due && unready === 0 && unsettled.size < settings.maxUnsettledBatches;

  const drain = () => {
    if (draining) return;
    draining = true;
    try {
      while (mayEmit()) emit();
    } finally {
      draining = false;
    }
    if (stopped) return;
    arm();
    tellLevels();
    if (finish !== undefined && batcher.length === 0 && unsettled.size === 0) finish();
  };

  const emit = () => {
    const front = batcher.take();
    if (front === undefined) return;
    disarm(); // the timer was that of the first item, which leaves
    const nowMillis = scheduler.now();
    const batch = new HeldBatch(owner, front, taken, nowMillis);
    taken += front.items.length;
    account.emit(front.items.length);
    unsettled.add(batch);
    const openMillis = nowMillis - openedAtMillis;
    openedAtMillis = nowMillis;
    tellUrgency(batch);
    subscriber.next(batch);
    batch.emitted();
    unsettled.watch();
    strategy.left({ items: front.items.length, openMillis });
    batcher.aim(strategy.size);
  };

  const owner: HeldBatchOwner<T> = {
    onUnready: (change) => {
      unready += change;
      if (unready === 0) drain();
    },
    onHandedOn: (batch) => {
      account.handOn(batch.size);
      unsettled.delete(batch);
      answerFlushes();
      giveBack(batch.size, batch.bytes);
    },
    onTakenBack: (batch) => {
      account.takeBack(batch.size);
      memory.hold(heapBytesOf(batch.size, batch.bytes));
      unsettled.add(batch);
      unsettled.watch();
    },
    onSettled: (batch, tally) => {
      const { delivered, attemptMillis, requests = 1, timeouts = 0 } = tally;
      account.settle(batch.size, tally);
      const { length: items } = batch.items;
      // One item that was too large by itself says nothing about the size of batches.
      const isOfOneItem = tally.lost.some(({ reason }) => reason === 'tooLarge');
      if (!isOfOneItem) strategy.ended({ items, delivered, requests, timeouts, attemptMillis, queued: batcher.length });
      batcher.aim(strategy.size);
      unsettled.delete(batch);
      answerFlushes();
      giveBack(batch.size, batch.bytes);
      drain();
    },
  };

  const giveBack = (items: number, bytes: number) => {
    memory.give(heapBytesOf(items, bytes));
    if (stopped && unsettled.size === 0) memory.close();
  };

  const arm = () => {
    if (batcher.length === 0 || batcher.due) return disarm();
    delayTimer ??= waiting(scheduler, strategy.delayMillis, processHold, () => {
      delayTimer = undefined;
      batcher.makeAllDue('delay');
      drain();
    });
  };

  const disarm = () => {
    delayTimer?.unsubscribe();
    delayTimer = undefined;
  };

  const flush = (request: unknown) => {
    if (isFlushRequest(request)) {
      const { urgency } = request;
      flushes.push({ upTo: taken + batcher.length, hold: request.hold(), urgency, atMillis: scheduler.now() });
      if (urgency !== undefined) for (const batch of unsettled.batches()) batch.flush(urgency);
    }
    batcher.makeAllDue('flush');
    drain();
    answerFlushes();
  };

  /** A batch that leaves while a flush waits for it. */
  const tellUrgency = (batch: HeldBatch<T>) => {
    for (const { upTo, urgency, atMillis } of flushes) {
      if (batch.sequence >= upTo || urgency === undefined) continue;
      batch.flush({ ...urgency, elapsedMillis: (urgency.elapsedMillis ?? 0) + scheduler.now() - atMillis });
    }
  };

  const answerFlushes = () => {
    if (flushes.length === 0) return;
    const earliest = Math.min(unsettled.earliestSequence, batcher.length > 0 ? taken : Number.POSITIVE_INFINITY);
    while (flushes[0] !== undefined && flushes[0].upTo <= earliest) flushes.shift()?.hold.settle();
  };

  const end = (closedBy: 'complete' | 'error', how: () => void) => {
    if (finish !== undefined) return;
    finish = how;
    batcher.makeAllDue(closedBy);
    drain();
    // What is left has an end, too, and the process waits for that.
    if (!subscriber.closed) subscriber.add(holdProcess(scheduler, processHold));
  };

  const stop = () => {
    stopped = true;
    disarm();
    const leftBytes = batcher.bytes;
    const left = batcher.clear();
    taken += left.length;
    if (left.length > 0) {
      account.lose(left.length, 'unsubscribed');
      intake.tell('unsubscribed', left);
    }
    answerFlushes();
    memory.stopWaiting();
    water.end();
    filling.end();
    giveBack(left.length, leftBytes);
  };

  const unwatch = account.watch({
    queueSize: () => batcher.length,
    queueBytes: () => batcher.bytes,
    batchSize: () => batcher.target,
    memoryBytes: () => memory.heldBytes,
  });
  const complete = () => end('complete', () => subscriber.complete());
  const error = (thrown: unknown) => {
    inputs.unsubscribe(); // of both: whichever failed
    end('error', () => subscriber.error(thrown));
  };
  // Each by itself: a source whose teardown throws does not keep us from ours.
  subscriber.add(inputs);
  subscriber.add(stop);
  subscriber.add(unwatch);
  if (settings.flushWhen !== undefined) subscribeInto(settings.flushWhen, { next: flush, error }, inputs);
  subscribeInto(source, { next: offer, error, complete }, inputs);
}

/** Beside what is held, so that it is at the lower mark. */
const ROOM_TO_OPEN = 1 / MEMORY_MARKS.low - 1;

/** Whoever waits for the gate waits for what is out: the process does not end in the midst of that. */
function closingOf(
  gate: Gate,
  { scheduler, processHold }: Pick<AdaptiveBatchSettings<never>, 'scheduler' | 'processHold'>,
): () => () => void {
  return () => {
    const reopen = gate.close();
    const hold = holdProcess(scheduler, processHold);
    return () => {
      hold.unsubscribe();
      reopen();
    };
  };
}
