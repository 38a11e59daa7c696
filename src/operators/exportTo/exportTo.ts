import { Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs';
import { estimateItemBytes, UNREADABLE_ITEM_BYTES } from '../../flow/itemBytes.ts';
import { Slots } from '../../flow/slots.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { type Batch, type Hold, isBatch, NO_HOLD } from '../../model/batch.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import { Delivery, type DeliveryContext } from './delivery.ts';
import { destinationOf } from './destination.ts';
import { type ExportToOptions, type ExportToSettings, exportToSettings } from './options.ts';

/**
 * Exports batches, or plain arrays, to a sink: up to `concurrency` at a time, each with its timeout, its retries and its deadline.
 *
 * ```text
 * source      --[ab]----[c]-|
 * subscribed  ^-------------!
 *             exportTo: the sink answers after 2 ms, one outcome per batch
 * attempts    --^-!              [ab]
 *             ----------^-!      [c]
 * result      ----o-------o-|
 * ```
 *
 * The layers around one attempt, from the outside: `deadline( retry( gate → slot ( timeout ( sink ) ) ) )`. So a batch that waits for its next attempt holds no slot, and the
 * deadline covers every wait. The gate is shared by everything that exports to the same sink: one `Retry-After` closes it, for up to `retry.maxRetryAfterMillis`; afterwards one attempt goes
 * first, and each one that the backend takes lets one more in flight.
 *
 * **Too large, or too slow**: a batch that is refused as `tooLarge` is sent in halves, at once, and again, until the parts fit; an item that is too large by itself is lost alone. A batch that timed
 * out after it was sent is tried again in halves. The size that failed is remembered for the sink: later batches come in parts that fit, and the size is raised again carefully. The parts of a
 * batch travel one after another.
 *
 * **Uncertain**: once an attempt was sent and its answer never came, its items may have arrived, whatever later attempts say: delivered later, they are counted in `possibleDuplicates`; lost, they are
 * `unconfirmed`. A sink may say when an attempt really begins to send ({@link Attempt}); one that was aborted before is certain not to have arrived.
 *
 * **Flush**: what waits for its next attempt tries at once, and then at least twice a second while the flush waits; not before the time that a `Retry-After` has set. While the program ends, an
 * address at which nothing listens is tried for two seconds in all. After an outage the first batch that arrives ends the waits of two others that would wait for more than a second, and so on.
 *
 * **Emits** one outcome per batch, whichever it is; an empty array has none. **Completes** after the source, when every batch has its outcome.
 * **Errors** like the source, after the outcomes; an export that fails is an outcome and never an error.
 * **Unsubscribed**, it starts nothing more, aborts what is in flight and settles what it held: as `unsubscribed`, or as `unconfirmed` if it was sent.
 *
 * **Order**: outcomes come in the order in which exports end. With `concurrency: 1` and no retries that is the order of the batches. Within a batch, items keep their order.
 *
 * **Loss**: `retriesExhausted`, `expired`, `permanent`, `tooLarge`, `unconfirmed`, `unencodable`, `queueFull`, `shutdown`, `unsubscribed`; each is in the outcome, in the ledger and told to `onLoss`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(bufferCount(500), exportTo(otlpHttp(), { concurrency: 4, retry: { maxElapsedMillis: 60_000 } }))
 *   .subscribe((outcome) => console.log(outcome.delivered, outcome.lost));
 * ```
 *
 * @see adaptiveBatch
 */
export function exportTo<T>(
  sink: Sink<T>,
  options: ExportToOptions<T> = {},
): OperatorFunction<Batch<T> | readonly T[], Outcome<T>> {
  const settings = exportToSettings(sink, options);
  const account = (settings.ledger ?? createLedger()).open('sink', `exportTo(${sink.name})`);
  return function exportToOperator(source) {
    return new Observable((subscriber) => deliverAll(subscriber, source, sink, settings, account));
  };
}

/** A delivery that is under way. */
interface Entry<T> {
  readonly delivery: Delivery<T>;
  readonly hold: Hold;
  readonly run: Subscription;
}

function deliverAll<T>(
  subscriber: Subscriber<Outcome<T>>,
  source: Observable<Batch<T> | readonly T[]>,
  sink: Sink<T>,
  settings: ExportToSettings<T>,
  account: Account,
): void {
  const slots = new Slots(limitOf(settings.concurrency, sink), () => welcome());
  const destination = destinationOf(sink, settings.scheduler);
  const context: DeliveryContext<T> = { sink, destination, slots, settings, account };
  const entries = new Set<Entry<T>>(); // taken, and without an outcome
  const inputs = new Subscription();
  const unwelcome = new Set<Entry<T>>(); // took the last slot: their holders are told when another one is free
  let pendingItems = 0;
  let pendingBytes = 0;
  let finish: (() => void) | undefined; // how the stream is to end, once the source has
  let limit = limitOf(settings.concurrency, sink);
  let halted = false; // by `stopWhen`
  let givingUp = 0; // what is pending is being given up, how many times over

  const take = (given: Batch<T> | readonly T[]) => {
    const batch = batchOf(given);
    if (batch === undefined) return refuseItem(given);
    const size = batch.items.length;
    if (size === 0) return;
    const delivery = new Delivery(given, batch, context);
    const entry = { delivery, hold: batch.hold((urgency) => delivery.flush(urgency)), run: new Subscription() };
    const fits =
      pendingItems + size <= settings.maxPendingItems && pendingBytes + bytesOf(batch) <= settings.maxPendingBytes;
    if (!fits && entries.size > 0) return refuse(entry);
    account.accept(size);
    entries.add(entry);
    pendingItems += size;
    pendingBytes += bytesOf(batch);
    if (halted || givingUp > 0) return end(entry, entry.delivery.givenUp('shutdown'));
    subscribeInto(entry.delivery.run(), { next: (outcome) => end(entry, outcome) }, entry.run);
    if (!entries.has(entry)) return;
    if (slots.free) entry.hold.ready();
    else unwelcome.add(entry);
  };

  /** Only a program without types gets here. It is told at its own end, and not in the middle of whoever emits. */
  const refuseItem = (given: unknown) => {
    inputs.unsubscribe();
    finishBy(() =>
      subscriber.error(new InvalidOptionError('exportTo: what it is given', 'a batch or an array', given)),
    );
  };

  const refuse = ({ delivery, hold }: Entry<T>) => {
    account.refuse(delivery.size, 'queueFull');
    const outcome = delivery.refused();
    tell(delivery, outcome);
    subscriber.next(outcome);
    hold.settle(outcome);
  };

  const end = (entry: Entry<T>, outcome: Outcome<T>) => {
    if (!entries.has(entry)) return; // ending another one has ended it
    close(entry, outcome);
    subscriber.next(outcome);
    entry.hold.settle(outcome);
    finishIfDone();
  };

  const close = (entry: Entry<T>, outcome: Outcome<T>) => {
    const { batch } = entry.delivery;
    entries.delete(entry);
    unwelcome.delete(entry);
    pendingItems -= entry.delivery.size;
    pendingBytes -= bytesOf(batch);
    account.settle(entry.delivery.size, outcome);
    tell(entry.delivery, outcome);
  };

  const tell = (delivery: Delivery<T>, outcome: Outcome<T>) => {
    for (const loss of outcome.lost) {
      try {
        settings.onLoss?.(loss, delivery.batch.items);
      } catch {
        account.callbackFailed();
      }
    }
  };

  const welcome = () => {
    if (unwelcome.size === 0) return;
    const told = [...unwelcome];
    unwelcome.clear();
    for (const entry of told) entry.hold.ready();
  };

  const halt = () => {
    halted = true;
    slots.close();
    giveUpPending();
  };

  /** What is queued before this stage comes meanwhile, and is given up, too. */
  const giveUpPending = () => {
    givingUp += 1;
    slots.limit = 0; // an abort must not start the next in line
    giveUp();
    givingUp -= 1;
    if (givingUp === 0) slots.limit = limit;
  };

  const giveUp = () => {
    for (const entry of [...entries]) {
      if (!entries.has(entry)) continue;
      const outcome = entry.delivery.givenUp('shutdown');
      entry.run.unsubscribe();
      end(entry, outcome);
    }
  };

  const finishIfDone = () => {
    if (finish === undefined || entries.size > 0) return;
    const once = finish;
    finish = undefined;
    once();
  };

  const finishBy = (how: () => void) => {
    finish = how;
    // The source has ended: what is left of it has an end, too, and the process waits for that.
    if (entries.size > 0) subscriber.add(holdProcess(settings.scheduler, settings.processHold));
    finishIfDone();
  };

  const stop = () => {
    for (const entry of [...entries]) {
      if (!entries.has(entry)) continue;
      const outcome = entry.delivery.givenUp('unsubscribed');
      entry.run.unsubscribe();
      if (!entries.has(entry)) continue; // its abort has answered it
      close(entry, outcome);
      entry.hold.settle(outcome);
    }
  };

  const inFlight = () => [...entries].filter((entry) => entry.delivery.inFlight).length;
  subscriber.add(account.watch({ inFlight }));
  const setLimit = (concurrency: number) => {
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) return account.callbackFailed();
    limit = limitOf(concurrency, sink);
    if (givingUp === 0) slots.limit = limit;
  };
  // First no slot, then no source, then no attempt: otherwise an abort would start the next in line. Each by itself: a source whose teardown throws does not
  // keep us from ours.
  subscriber.add(() => slots.close());
  subscriber.add(inputs);
  subscriber.add(stop);
  if (typeof settings.concurrency !== 'number') subscribeInto(settings.concurrency, { next: setLimit }, inputs);
  if (settings.giveUpWhen !== undefined) subscribeInto(settings.giveUpWhen, { next: giveUpPending }, inputs);
  if (settings.stopWhen !== undefined) subscribeInto(settings.stopWhen, { next: halt, error: halt }, inputs);
  subscribeInto(
    source,
    {
      next: take,
      error: (thrown) => finishBy(() => subscriber.error(thrown)),
      complete: () => finishBy(() => subscriber.complete()),
    },
    inputs,
  );
}

/** An Observable's limit counts from its first value; until then there is one slot. */
function limitOf<T>(concurrency: number | Observable<number>, sink: Sink<T>): number {
  const limit = typeof concurrency === 'number' ? concurrency : 1;
  return Math.max(1, Math.min(limit, sink.maxConcurrency ?? Number.POSITIVE_INFINITY));
}

function batchOf<T>(given: Batch<T> | readonly T[]): Batch<T> | undefined {
  if (Array.isArray(given)) return asBatch(given);
  const batch = given as Batch<T> | null | undefined;
  return Array.isArray(batch?.items) && isBatch<T>(batch) ? batch : undefined;
}

/** An operator in between may have lost count. */
function bytesOf<T>(batch: Batch<T>): number {
  return batch.bytes >= 0 ? batch.bytes : 0;
}

/** A plain array, seen as a batch that nobody waits for. */
function asBatch<T>(items: readonly T[]): Batch<T> {
  return { items, bytes: estimateBytes(items), closedBy: 'count', hold: () => NO_HOLD };
}

function estimateBytes(items: readonly unknown[]): number {
  let bytes = 0;
  for (const item of items) {
    try {
      bytes += estimateItemBytes(item);
    } catch {
      bytes += UNREADABLE_ITEM_BYTES;
    }
  }
  return bytes;
}
