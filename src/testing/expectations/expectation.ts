import type { MarbleFailure } from '../failures/failure.ts';

/** An expectation of a test, to be checked at the end of the run. */
export interface Expectation {
  /** Copies what is to be compared, before the cleanup changes it. */
  freeze(): void;
  /** The failure; `undefined` if the expectation is met. */
  check(): MarbleFailure | undefined;
}
