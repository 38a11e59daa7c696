import { MarbleFailure } from './failure.ts';

/** How many failures, or how many leaks, one message shows. */
const MAX_SHOWN = 10;

/** A failure that lists what should not be there, one thing a line. */
export function listFailure(title: string, things: readonly string[]): MarbleFailure {
  const shown = things.slice(0, MAX_SHOWN).map((thing) => `  ${thing}`);
  const more = things.length > MAX_SHOWN ? [`  and ${things.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([title, '', ...shown, ...more].join('\n'));
}

/** Several failures as one. Its stack and its cause are those of the first. */
export function joinFailures(failures: readonly MarbleFailure[]): MarbleFailure {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first ?? new MarbleFailure('it failed');
  const messages = failures.slice(0, MAX_SHOWN).map((failure) => failure.message);
  const more = failures.length > MAX_SHOWN ? [`and ${failures.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([...messages, ...more].join('\n\n'), first, first.cause);
}
