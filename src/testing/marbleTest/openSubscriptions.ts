import { durationText } from '../failures/text.ts';
import type { SubscriptionSpan } from '../marbles/syntax.ts';

/** Something drawn that can be subscribed to, and what it is called in messages. */
export interface DrawnSubscribable {
  readonly titleOf: (index: number) => string;
  readonly subscriptions: readonly SubscriptionSpan[];
}

/** The subscriptions that are still open, as sentences. */
export function openSubscriptions(watched: readonly DrawnSubscribable[]): string[] {
  return watched.flatMap(({ titleOf, subscriptions }) =>
    subscriptions.flatMap(({ subscribedFrame, unsubscribedFrame }, index) =>
      Number.isFinite(unsubscribedFrame) ? [] : [`${titleOf(index)}, subscribed at ${durationText(subscribedFrame)}`],
    ),
  );
}
