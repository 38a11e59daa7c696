import { SpanflowError } from './errors.ts';
import type { Tally } from './tally.ts';

/** One of several joined exports failed. The error that it failed with is the `cause`. */
export class JoinError extends SpanflowError {
  override readonly name = 'JoinError';
  /** Which one: its name, or its index as text. */
  readonly exportName: string;
  /** What was answered, where an answer is the failure: items were lost. */
  readonly answer: Tally | undefined;

  constructor(exportName: string, message: string, answer: Tally | undefined, options?: ErrorOptions) {
    super('JOIN_FAILED', `the export ${JSON.stringify(exportName)} failed: ${message}`, options);
    this.exportName = exportName;
    this.answer = answer;
  }
}
