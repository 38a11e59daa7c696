import { identity, map, Observable, type OperatorFunction } from 'rxjs';
import type { Loss } from '../../model/tally.ts';
import type { SupervisedOptions } from '../../operators/supervised/options.ts';
import { supervised } from '../../operators/supervised/supervised.ts';
import { ItemTally, leaveOut, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import type { ForeignPlace } from '../foreignItems.ts';

/** Operators of the user's, between items that remember their call. */
export interface AnsweredOperators<T> {
  readonly through: OperatorFunction<TrackedItem<T>, TrackedItem<T>>;
  /** Where items may be that no stage of ours has. */
  readonly places: () => readonly ForeignPlace[];
}

/**
 * What comes out while an item is in the operators is that item, for its call. If nothing does, the item was taken out: its call does not wait for it. Of what comes out later, or beside the first one, no call is told.
 */
export function answeredOperators<T>(
  operators: readonly OperatorFunction<T, T>[],
  options: SupervisedOptions,
): AnsweredOperators<T> {
  if (operators.length === 0) return { through: identity, places: () => [] };
  let entering: TrackedItem<T> | undefined; // is in the operators, and nothing has come out yet
  const onLoss = (loss: Loss) => {
    if (entering !== undefined) loseItems([entering], { ...loss, count: 1 });
  };
  const chain = supervised(operators, { ...options, onLoss });
  const enter = (tracked: TrackedItem<T>, next: (item: T) => void) => {
    entering = tracked;
    next(tracked.item);
    leaveOut(tracked);
    entering = undefined;
  };
  const leave = (item: T): TrackedItem<T> => {
    const tally = entering?.tally ?? new ItemTally(1, () => {});
    if (entering !== undefined) entering.tally = undefined;
    return { item, tally };
  };
  const through = (source: Observable<TrackedItem<T>>) => {
    const items$ = new Observable<T>((subscriber) => {
      const next = (item: T) => subscriber.next(item);
      return source.subscribe({
        next: (tracked) => enter(tracked, next),
        error: (thrown: unknown) => subscriber.error(thrown),
        complete: () => subscriber.complete(),
      });
    });
    return chain(items$).pipe(map(leave));
  };
  return { through, places: chain.places };
}
