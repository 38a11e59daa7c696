import { SpanflowError } from '../../model/errors.ts';
import type { Refusal } from './admissionQueue.ts';
import { type ChannelSettings, STAGE } from './options.ts';

type Bounds = Pick<ChannelSettings<unknown>, 'maxQueueSize' | 'maxQueueBytes' | 'maxWaitingSends'>;

/** The error for a producer that wanted to wait for room. */
export function refusalError(reason: Refusal, bounds: Bounds): SpanflowError {
  const { maxQueueSize, maxQueueBytes, maxWaitingSends } = bounds;
  const full = `the queue is full (maxQueueSize ${maxQueueSize}, maxQueueBytes ${maxQueueBytes})`;
  if (reason === 'alreadyShutdown') return new SpanflowError('CLOSED', `${STAGE}: it is closed`);
  if (reason === 'tooLarge')
    return new SpanflowError('QUEUE_FULL', `${STAGE}: an item is larger than maxQueueBytes ${maxQueueBytes}`);
  return new SpanflowError('QUEUE_FULL', `${STAGE}: ${full}, and maxWaitingSends ${maxWaitingSends} wait already`);
}
