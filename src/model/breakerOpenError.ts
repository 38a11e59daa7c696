import { SpanflowError } from './errors.ts';
import type { Failure } from './sink.ts';

/** A circuit breaker is open: the source was not subscribed to. It may be tried again later. */
export class BreakerOpenError extends SpanflowError {
  override readonly name = 'BreakerOpenError';

  /** What it means for a retry around it: try again later. */
  readonly failure: Failure = Object.freeze({ kind: 'retryable' });

  constructor() {
    super('BREAKER_OPEN', "the circuit breaker is open: try again later, or wait for it with whenOpen: 'wait'");
  }
}
