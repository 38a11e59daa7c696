import { SpanflowError } from '../../model/errors.ts';
import type { Refusal } from './admissionQueue.ts';
import { type ChannelSettings, STAGE } from './options.ts';

type Bounds = Pick<
  ChannelSettings<unknown>,
  'maxQueueSize' | 'maxQueueBytes' | 'maxWaitingSends' | 'stallTimeoutMillis'
>;

/** The error for a producer that wanted to wait for room. */
export function refusalError(reason: Refusal | 'stalled', bounds: Bounds): SpanflowError {
  const { maxQueueSize, maxQueueBytes, maxWaitingSends, stallTimeoutMillis } = bounds;
  const full = `the queue is full (maxQueueSize ${maxQueueSize}, maxQueueBytes ${maxQueueBytes})`;
  if (reason === 'alreadyShutdown') return new SpanflowError('CLOSED', `${STAGE}: it is closed`);
  if (reason === 'stalled') {
    const stall = `nothing has left it for stallTimeoutMillis ${stallTimeoutMillis}`;
    const message = `${STAGE}: ${full}, and ${stall}: a consumer that awaits its own send cannot go on`;
    return new SpanflowError('TIMEOUT', message);
  }
  if (reason === 'tooLarge')
    return new SpanflowError('QUEUE_FULL', `${STAGE}: an item is larger than maxQueueBytes ${maxQueueBytes}`);
  return new SpanflowError('QUEUE_FULL', `${STAGE}: ${full}, and maxWaitingSends ${maxWaitingSends} wait already`);
}
