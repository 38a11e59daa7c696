import type { SubscriptionSpan } from '../marbles/syntax.ts';
import { MarbleFailure, millis } from './failure.ts';

/** Something drawn that can be subscribed to, and what it is called in messages. */
export interface Watched {
  readonly titleOf: (index: number) => string;
  readonly subscriptions: readonly SubscriptionSpan[];
}

/** How many failures, and how many leaks, one message shows. */
const MAX_SHOWN = 10;

/** The subscriptions that are still open, as sentences. */
export function openSubscriptions(watched: readonly Watched[]): string[] {
  return watched.flatMap(({ titleOf, subscriptions }) =>
    subscriptions.flatMap(({ subscribedFrame, unsubscribedFrame }, index) =>
      Number.isFinite(unsubscribedFrame) ? [] : [`${titleOf(index)}, subscribed at ${millis(subscribedFrame)}`],
    ),
  );
}

/** What a test reads when something is there that should not be. */
export function listed(title: string, things: readonly string[]): MarbleFailure {
  const shown = things.slice(0, MAX_SHOWN).map((thing) => `  ${thing}`);
  const more = things.length > MAX_SHOWN ? [`  and ${things.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([title, '', ...shown, ...more].join('\n'));
}

/** Several failures as one. */
export function joined(failures: readonly MarbleFailure[]): MarbleFailure {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first ?? new MarbleFailure('it failed');
  const messages = failures.slice(0, MAX_SHOWN).map((failure) => failure.message);
  const more = failures.length > MAX_SHOWN ? [`and ${failures.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([...messages, ...more].join('\n\n'), first, first.cause);
}
