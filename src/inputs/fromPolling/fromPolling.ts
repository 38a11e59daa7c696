import { Observable } from 'rxjs';
import { createGate } from '../../flow/gate.ts';
import { aFunction, settingsOf } from '../../internal/validation.ts';
import { openInput, Stage } from '../../ledger/stage.ts';
import {
  type Fetch,
  FROM_POLLING_DEFAULTS,
  FROM_POLLING_RULES,
  type FromPollingOptions,
  type FromPollingSettings,
  STAGE,
} from './options.ts';
import { Polling } from './polling.ts';

/**
 * Calls a function again and again, and emits what it returns: for queues, tables and HTTP endpoints that have to be asked.
 *
 * ```text
 * gate        -----x-----o--|
 * subscribed  ^-------------!
 *             fromPolling: every 4 ms, each call takes 2 ms; the gate is closed at x and opened at o
 * asked for   a---b------c---
 * result      --a---b------c-
 * ```
 *
 * **Emits** the result of each call; `concatMap(identity)` behind it makes single items of lists. The first call is made at the subscription. Calls never overlap, and none is made while the gate is closed; when it opens, a call that is due is
 * made at once. **Completes** and **errors** never: a call that fails is told to `onFetchError`, and the next one is made after a wait that grows with each failure (`backoff`).
 * **Unsubscribed**, it aborts the `signal` of the call, and makes no other one.
 *
 * **Order**: that of the calls. **Loss**: none; what a call would have returned that was aborted, is not waited for.
 *
 * Several sources at once, the important one first: `mergeByPriority`; or `merge`, if none is more important.
 *
 * @param fetch is called with a signal; what it returns may be a promise
 *
 * @throws InvalidOptionError when `fetch` is no function, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const gate = createGate();
 * const jobsOf = (queue: string) =>
 *   fromPolling(({ signal }) => fetch(`http://localhost:8080/${queue}`, { signal }).then((answer) => answer.text()), {
 *     everyMillis: 1_000,
 *     gate,
 *   });
 * mergeByPriority([
 *   { source: jobsOf('urgent') },
 *   { source: jobsOf('rest') },
 * ]).subscribe((job) => console.log(job));
 * ```
 *
 * @see fromAsyncIterable, mergeByPriority
 */
export function fromPolling<T>(fetch: Fetch<T>, options: FromPollingOptions): Observable<T> {
  const defaults = { ...FROM_POLLING_DEFAULTS, gate: createGate() };
  const args = { fetch: [fetch, aFunction] } as const;
  const settings = settingsOf<FromPollingSettings>(STAGE, defaults, FROM_POLLING_RULES, options, args);
  const stage = new Stage(settings.ledger, 'input', settings.name ?? STAGE);
  return new Observable((subscriber) => {
    void new Polling(fetch, settings, subscriber, openInput(stage)).run();
  });
}
