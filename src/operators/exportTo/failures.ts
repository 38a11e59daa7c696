import { messageOf, SpanflowError } from '../../model/errors.ts';
import { ExportError, type Response } from '../../model/sink.ts';
import { failureOf } from '../../strategies/retry.ts';

/** The error of an attempt whose slot came after the deadline of its batch. */
export const TIME_IS_UP = new SpanflowError(
  'TIMEOUT',
  'the time for all attempts was over before this one could begin',
);

export function asSpanflowError(error: unknown): SpanflowError {
  if (error instanceof SpanflowError) return error;
  return new ExportError(failureOf(error), messageOf(error), { cause: error });
}

/** A sink may answer anything: an answer that cannot be read says nothing, and is an answer all the same. */
export function readable(response: Response | undefined): Response {
  try {
    return { ...response };
  } catch {
    return {};
  }
}
