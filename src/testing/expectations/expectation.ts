import type { MarbleFailure } from '../failures/failure.ts';

/** Something that a test expects, to be looked at when the run is over. */
export interface Expectation {
  /** Keeps what is to be compared, before the clearing up changes it. */
  freeze(): void;
  /** What is wrong, or `undefined` if nothing is. */
  check(): MarbleFailure | undefined;
}
