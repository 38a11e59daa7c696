import { defer, Observable, type ObservableInput, type ObservedValueOf, Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { oneOf, settingsOf } from '../internal/validation.ts';
import { InvalidOptionError, messageOf } from '../model/errors.ts';
import { JoinError } from '../model/joinError.ts';
import type { Loss, Tally } from '../model/tally.ts';

/** `all`: the first failure aborts the others · `settled`: every export ends, and each tells how. */
export type JoinMode = 'all' | 'settled';

/** How exports are joined. */
export interface JoinExportsOptions<Mode extends JoinMode = 'all'> {
  /** Whether all have to succeed (`all`, the default), or each may fail by itself (`settled`). */
  mode?: Mode;
}

/** An export, or a function that begins it. A promise has begun before it is joined, and goes on when the join is unsubscribed. */
export type ExportToJoin = ObservableInput<unknown> | (() => ObservableInput<unknown>);

/** Exports by name, or in an array. */
export type ExportsToJoin = Readonly<Record<string, ExportToJoin>> | readonly ExportToJoin[];

type ResultOf<E> = E extends () => infer Begun
  ? Begun extends ObservableInput<unknown>
    ? ObservedValueOf<Begun>
    : never
  : E extends ObservableInput<unknown>
    ? ObservedValueOf<E>
    : never;

/** With the names, or in the order, of the exports: the last value of each (`all`), or how each ended (`settled`), in the form of `Promise.allSettled`. */
export type JoinedExports<Exports, Mode extends JoinMode> = {
  -readonly [Name in keyof Exports]: Mode extends 'settled'
    ? PromiseSettledResult<ResultOf<Exports[Name]>>
    : ResultOf<Exports[Name]>;
};

export const JOIN_EXPORTS_DEFAULTS: Readonly<Required<JoinExportsOptions<JoinMode>>> = Object.freeze({ mode: 'all' });

const JOIN_EXPORTS_RULES = { mode: oneOf('all', 'settled') };

/**
 * Runs several exports side by side, and gives their results together: spans, logs and metrics of one job, for example.
 *
 * ```text
 * traces          ---t|
 * logs            -----#
 * metrics         -------m|
 * to traces       ^---!
 *                 ^---!
 * to logs         ^----!
 *                 ^----!
 * to metrics      ^----!
 *                 ^-------!
 *                 joinExports: r tells that logs failed
 * mode 'all'      -----#
 * mode 'settled'  --------(r|)
 * ```
 *
 * An export succeeds with its last value. It fails when it errors, when it ends without a value, and when it answers that items were lost, as an {@link ExportHandle} does (`lost` of its tally is not empty). What a backend
 * rejected for good (a partial success) is no failure.
 *
 * **Emits** once, when all have ended, and **completes**; for no exports at once. In the mode `all` it **errors** with a {@link JoinError} at the first failure: the other exports are unsubscribed first, which aborts them.
 * In the mode `settled` it never errors. **Unsubscribed**, it unsubscribes all.
 *
 * **Order**: all begin at once, in the order given, and results have the names or places of their exports. **Loss**: none of its own. What an aborted export had sent may have arrived.
 *
 * @throws InvalidOptionError when an option is unknown, or when there are no exports to join
 *
 * @example
 * ```ts
 * const handle = exportHandle(sink);
 * const job = { first: () => handle.export(spans.slice(0, 100)), rest: () => handle.export(spans.slice(100)) };
 * joinExports(job, { mode: 'settled' }).subscribe(({ first, rest }) => console.log(first.status, rest.status));
 * ```
 *
 * @see exportHandle
 */
export function joinExports<const Exports extends ExportsToJoin, Mode extends JoinMode = 'all'>(
  exports: Exports,
  options: JoinExportsOptions<Mode> = {},
): Observable<JoinedExports<Exports, Mode>> {
  const { mode } = settingsOf<Required<JoinExportsOptions<JoinMode>>>(
    'joinExports',
    JOIN_EXPORTS_DEFAULTS,
    JOIN_EXPORTS_RULES,
    options,
  );
  const joined = exportsIn(exports);
  return new Observable((subscriber) => {
    const results = new Map<string, unknown>();
    const running = new Subscription();
    subscriber.add(running);
    const end = (): void => {
      const inOrder = [...joined.keys()].map((name) => [name, results.get(name)] as const);
      const together = Array.isArray(exports) ? inOrder.map(([, value]) => value) : Object.fromEntries(inOrder);
      subscriber.next(together as JoinedExports<Exports, Mode>);
      subscriber.complete();
    };
    const settle = (name: string, result: PromiseSettledResult<unknown>): void => {
      if (mode === 'all' && result.status === 'rejected') {
        runGuarded(() => running.unsubscribe());
        subscriber.error(result.reason);
        return;
      }
      results.set(name, mode === 'all' && result.status === 'fulfilled' ? result.value : result);
      if (results.size === joined.size) end();
    };
    if (joined.size === 0) end();
    for (const [name, given] of joined) {
      if (subscriber.closed) return;
      run(name, given, (result) => settle(name, result), running);
    }
  });
}

/** Runs one export, and tells how it ended. */
function run(
  name: string,
  given: ExportToJoin,
  settle: (result: PromiseSettledResult<unknown>) => void,
  parent: Subscription,
): void {
  let last: { readonly value: unknown } | undefined; // the newest value
  const fail = (message: string, answer?: Tally, cause?: unknown) =>
    settle({ status: 'rejected', reason: new JoinError(name, message, answer, { cause }) });
  subscribeInto(
    defer(() => (typeof given === 'function' ? given() : given)),
    {
      next: (value) => {
        last = { value };
      },
      error: (thrown: unknown) => fail(messageOf(thrown), undefined, thrown),
      complete: () => {
        if (last === undefined) return fail('it ended without an answer');
        const { value } = last;
        if (hasLosses(value)) return fail(lossesOf(value), value, value.error);
        settle({ status: 'fulfilled', value });
      },
    },
    parent,
  );
}

function exportsIn(exports: unknown): Map<string, ExportToJoin> {
  if (typeof exports !== 'object' || exports === null) {
    throw new InvalidOptionError(
      'joinExports.exports',
      'an object of exports by name, or an array of exports',
      exports,
    );
  }
  return new Map(Object.entries(exports as Record<string, ExportToJoin>));
}

function hasLosses(value: unknown): value is Tally & { readonly error?: unknown } {
  const lost: unknown = (value as Partial<Tally> | null | undefined)?.lost;
  return Array.isArray(lost) && lost.length > 0;
}

function lossesOf({ lost }: Tally): string {
  return `items were lost: ${lost.map(({ count, reason }: Loss) => `${count} ${reason}`).join(', ')}`;
}
