import type { Batch } from './batch.ts';
import type { SpanflowError } from './errors.ts';
import type { Tally } from './tally.ts';

/** One per batch, from {@link exportTo}: its tally, and what went wrong if something did. */
export interface Outcome<T> extends Tally {
  /** The batch that has ended, as `exportTo` was given it. */
  readonly batch: Batch<T> | readonly T[];
  /** The failure of the last attempt. It is set when something was lost to a failed export. */
  readonly error?: SpanflowError;
  /** What the backend had to say: a warning, or why it rejected items. */
  readonly message?: string;
  /** Behind a fan-out: the branch that it comes from. */
  readonly route?: string;
}

/** An outcome behind a fan-out: one per batch and branch. */
export interface RoutedOutcome<T> extends Outcome<T> {
  /** The branch that it comes from, by its name: the same that `stats().routes` has. */
  readonly route: string;
}
