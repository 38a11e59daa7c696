import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { isBatch } from '../../model/batch.ts';
import { SpanflowError } from '../../model/errors.ts';

/**
 * Takes spans, and fails where the first item is a batch or an array: who writes JavaScript has forgotten to take it apart, and no span of it would be seen.
 *
 * @param stage its name, for the message
 * @param fail ends the stream
 * @param otherwise what else may be done, for the message
 */
export function spansOnly(
  stage: string,
  next: (span: ReadableSpan) => void,
  fail: (error: SpanflowError) => void,
  otherwise = '',
): (span: ReadableSpan) => void {
  let isSure = false;
  return (span) => {
    const cure = isSure ? undefined : cureFor(span);
    isSure = true;
    if (cure === undefined) next(span);
    else fail(new SpanflowError('NO_SPAN', `${stage} was given ${cure} in front of it${otherwise}`));
  };
}

function cureFor(item: unknown): string | undefined {
  if (Array.isArray(item)) return 'an array, and takes spans one by one: put mergeMap((spans) => spans)';
  const isOne = typeof item === 'object' && item !== null && isBatch(item as never);
  return isOne ? 'a batch, and takes spans one by one: put mergeMap(({ items }) => items)' : undefined;
}
