import { settingsOf } from '../../internal/validation.ts';
import { createLedger } from '../../ledger/ledger.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { registerInput } from '../runInput.ts';
import { BoundedChannel } from './boundedChannel.ts';
import {
  CHANNEL_DEFAULTS,
  CHANNEL_RULES,
  type Channel,
  type ChannelOptions,
  type ChannelSettings,
  STAGE,
} from './options.ts';

/** For our own stages: without a promise for each item. */
export type { EntryResult } from './admissionQueue.ts';
export { BoundedChannel } from './boundedChannel.ts';

/**
 * Lets many producers send into one stream, through a bounded queue that answers each of them.
 *
 * ```text
 * trySend     -a-b-c-d-----|
 * gate        --x-----o----|
 * subscribed  ^------------!
 *             channel: maxQueueSize 2, a gate that is closed at x and opened at o
 * items$      -a------(bc)-|
 * ```
 *
 * `send` waits for room, `trySend` does not. No subscriber of `items$` runs inside of either, nor in the asynchronous context of the caller: the queue is emptied
 * in a turn of the event loop of its own, a slice at a time.
 *
 * **Emits** nothing before the first subscription, nor while the gate is closed; the items wait in the queue. With several subscribers each one gets every item. **Completes** when it has been
 * closed and the queue is empty; **errors** then if it was closed with an error. Without subscribers it keeps items in the queue again.
 *
 * **Order**: that in which the items were accepted. Producers that wait are let in first come, first served; an item that would fit overtakes no larger one.
 *
 * **Loss**: `queueFull` (a `trySend` without room, a `send` that has waited while nothing left for `stallTimeoutMillis`, or more than `maxWaitingSends`), `tooLarge`, `alreadyShutdown`: each is refused, so the producer knows. What an aborted `send` took
 * back was never offered, and is not in the ledger.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const lines = channel<string>({ maxQueueSize: 10_000 });
 * lines.items$.pipe(adaptiveBatch({ flushWhen: lines.flush$ }), exportTo(toConsole())).subscribe();
 * await lines.send('waits for room');
 * if (lines.trySend('does not wait') === 'dropped') console.warn('too fast');
 * lines.close();
 * ```
 *
 * @see fromSpanProcessor
 */
export function channel<T>(options: ChannelOptions<T> = {}): Channel<T> {
  const settings = settingsOf<ChannelSettings<T>>(STAGE, CHANNEL_DEFAULTS, CHANNEL_RULES, options);
  const ledger = settings.ledger ?? createLedger();
  const account = ledger.open('input', settings.name ?? STAGE);
  const opened = new BoundedChannel(settings, account);
  const books = { ledger, isGiven: settings.ledger !== undefined, account };
  const { flush$ } = opened;
  const flush = (urgency: FlushUrgency) => opened.flush(urgency);
  const end = (urgency: FlushUrgency) => {
    // Not awaited: `items$` completes when everything has left. This only makes it urgent.
    opened.flush(urgency);
    opened.close();
  };
  registerInput([opened, opened.items$], { books, flush$, flush, end });
  return opened;
}
