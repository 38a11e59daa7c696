import type { Observable, Subscription } from 'rxjs';
import { subscribeInto } from './subscribeInto.ts';

/** What happens with each change of the settings of one subscription. */
export interface ChangePlan<C extends object> {
  /** Returns the settings that the change leads to, as far as they may change. If it throws, nothing of the change is applied. */
  readonly check: (change: C) => C;
  readonly apply: (changed: C) => void;
  /** Called with what `check` throws, and with the error of the Observable. */
  readonly onError: (thrown: unknown) => void;
}

/** Follows an Observable of changes as long as `parent` lives. All values of one emission are applied, or none. When the Observable ends or fails, the last settings stay. */
export function followSettings<C extends object>(
  settings$: Observable<C> | undefined,
  { check, apply, onError }: ChangePlan<C>,
  parent: Subscription,
): void {
  const next = (change: C) => {
    let changed: C;
    try {
      changed = check(change);
    } catch (thrown) {
      return onError(thrown);
    }
    apply(changed);
  };
  if (settings$ !== undefined) subscribeInto(settings$, { next, error: onError }, parent);
}
