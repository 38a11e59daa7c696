import { durationText } from '../failures/text.ts';
import type { SubscriptionSpan } from '../marbles/syntax.ts';

/** A drawn source, or the attempts of a scripted sink. */
export interface DrawnSubscribable {
  /** What messages call the subscription at this index. */
  readonly titleOf: (index: number) => string;
  readonly subscriptions: readonly SubscriptionSpan[];
}

/** One phrase for each subscription that is still open. */
export function openSubscriptions(subscribables: readonly DrawnSubscribable[]): string[] {
  return subscribables.flatMap(({ titleOf, subscriptions }) =>
    subscriptions.flatMap(({ subscribedFrame, unsubscribedFrame }, index) =>
      Number.isFinite(unsubscribedFrame) ? [] : [`${titleOf(index)}, subscribed at ${durationText(subscribedFrame)}`],
    ),
  );
}
