import { MarbleFailure } from './failure.ts';

/** How many failures, and how many leaks, one message shows. */
const MAX_SHOWN = 10;

/** What a test reads when something is there that should not be. */
export function listFailure(title: string, things: readonly string[]): MarbleFailure {
  const shown = things.slice(0, MAX_SHOWN).map((thing) => `  ${thing}`);
  const more = things.length > MAX_SHOWN ? [`  and ${things.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([title, '', ...shown, ...more].join('\n'));
}

/** Several failures as one. */
export function joinFailures(failures: readonly MarbleFailure[]): MarbleFailure {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first ?? new MarbleFailure('it failed');
  const messages = failures.slice(0, MAX_SHOWN).map((failure) => failure.message);
  const more = failures.length > MAX_SHOWN ? [`and ${failures.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([...messages, ...more].join('\n\n'), first, first.cause);
}
