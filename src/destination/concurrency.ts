import { type Observable, of, type Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { must, type Rule, whole } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { type ConcurrencyLimiter, isLimiter } from './limiter.ts';
import { SlotPool, slotPoolOf } from './slotPool.ts';

/** How many attempts are in flight at most: a number; an Observable of numbers, of which 0 pauses; or a limiter, which may be shared. */
export type Concurrency = number | Observable<number> | ConcurrencyLimiter;

const anObservableOrLimiter = must(
  'a whole number from 1, an Observable of whole numbers, or a limiter (adaptiveConcurrency(), for example)',
  (value) =>
    isLimiter(value) || typeof (value as Partial<Observable<number>> | null | undefined)?.subscribe === 'function',
);

export const aConcurrency: Rule = (value, option, call) => {
  const rule = typeof value === 'number' ? whole(1) : anObservableOrLimiter;
  rule(value, option, call);
};

/** The slots that an option stands for. Until an Observable's first value there is one. */
export function slotsFor(concurrency: Concurrency): SlotPool {
  if (isLimiter(concurrency)) return slotPoolOf(concurrency);
  return new SlotPool(typeof concurrency === 'number' ? concurrency : 1);
}

/** Follows the limit as long as `parent` lives. An invalid one is reported, and ignored; when the Observable ends or fails, the last limit stays. */
export function followLimit(
  concurrency: Concurrency,
  { slots, option }: { readonly slots: SlotPool; readonly option: string },
  onError: (thrown: unknown) => void,
  parent: Subscription,
): void {
  const next = (limit: number) => {
    if (Number.isSafeInteger(limit) && limit >= 0) slots.limit = limit;
    else onError(new InvalidOptionError(option, 'a whole number from 0', limit));
  };
  // An Observable of another library may throw at its subscription.
  runGuarded(() => subscribeInto(limitsOf(concurrency), { next, error: onError }, parent), onError);
}

function limitsOf(concurrency: Concurrency): Observable<number> {
  if (typeof concurrency === 'number') return of(concurrency);
  return isLimiter(concurrency) ? concurrency.limit$ : concurrency;
}
