import { Observable, type Subscriber } from 'rxjs';
import type { Gate } from '../flow/gate.ts';
import { must } from '../internal/validation.ts';
import type { Account } from '../ledger/account.ts';
import { openInput, Stage } from '../ledger/stage.ts';
import { ITEMS_PER_TURN, nextTurn, untilOpen } from './shared/gateWait.ts';
import { type StreamInputOptions, streamInputSettings } from './streamOptions.ts';

/** Nothing is pulled while the gate is closed. */
export type FromAsyncIterableOptions = StreamInputOptions;

const STAGE = 'fromAsyncIterable';

/**
 * Pulls items from an iterable, one after another, only while the gate is open.
 *
 * ```text
 * gate        ---x----(o|)
 * subscribed  ^-------!
 *             fromAsyncIterable: each takes 2 ms, a gate that is closed at x and opened at o
 * asked for   a-b-----c-d-|
 * result      --a-b-----c-(d|)
 * ```
 *
 * **Emits** each item when it has been pulled; the next one is asked for when `next` has returned and the gate is open. **Completes** and **errors** like the iterable.
 * **Unsubscribed**, it pulls no more and calls the iterator's `return()`, so that a generator runs its `finally`; what that throws is ignored, since the subscriber is gone.
 *
 * A synchronous iterable is pulled in slices, so that a long one does not hold the event loop.
 *
 * **Order**: that of the iterable. **Loss**: none; an item that was being awaited when it was unsubscribed is counted as `unsubscribed`.
 *
 * @throws InvalidOptionError when `items` cannot be iterated, or an option is unknown
 *
 * @example
 * ```ts
 * const gate = createGate();
 * fromAsyncIterable(spansOfAFile(), { gate }).pipe(adaptiveBatch({ gate }), exportTo(otlpHttp())).subscribe();
 * ```
 */
export function fromAsyncIterable<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: FromAsyncIterableOptions = {},
): Observable<T> {
  const { gate, ledger, name } = streamInputSettings(STAGE, options, { items: [items, anIterable] });
  const stage = new Stage(ledger, 'input', name ?? STAGE);
  return new Observable((subscriber) => {
    const account = openInput(stage);
    const iterator = iteratorOf(items);
    let ended = false; // by the iterator itself
    const end = (how: () => void) => {
      ended = true;
      how();
    };
    subscriber.add(() => {
      if (!ended) closeQuietly(iterator);
    });
    pull(iterator, gate, subscriber, account).then(
      () => end(() => subscriber.complete()),
      (error: unknown) => end(() => subscriber.error(error)),
    );
  });
}

type AnyIterator<T> = AsyncIterator<T> | Iterator<T>;

const anIterable = must('an iterable or an async iterable', (items) => {
  const either = items as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  return [either?.[Symbol.asyncIterator], either?.[Symbol.iterator]].some((method) => typeof method === 'function');
});

function iteratorOf<T>(items: AsyncIterable<T> | Iterable<T>): AnyIterator<T> {
  if (typeof (items as AsyncIterable<T>)[Symbol.asyncIterator] === 'function')
    return (items as AsyncIterable<T>)[Symbol.asyncIterator]();
  return (items as Iterable<T>)[Symbol.iterator]();
}

async function pull<T>(
  iterator: AnyIterator<T>,
  gate: Gate,
  subscriber: Subscriber<T>,
  account: Account,
): Promise<void> {
  for (let pulled = 1; !subscriber.closed; pulled += 1) {
    if (pulled % ITEMS_PER_TURN === 0) await nextTurn();
    while (!gate.open && !subscriber.closed) await untilOpen(gate, subscriber);
    if (subscriber.closed) return;
    const answer = iterator.next();
    const result = 'then' in answer ? await answer : answer;
    if (result.done) return;
    account.accept(1);
    if (subscriber.closed) return account.lose(1, 'unsubscribed');
    account.handOn(1);
    account.passOn((item) => subscriber.next(item), result.value);
  }
}

/** The subscriber is gone, so an error has no listener. */
async function closeQuietly<T>(iterator: AnyIterator<T>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {}
}
