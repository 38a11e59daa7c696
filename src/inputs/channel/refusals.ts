import type { Account } from '../../account.ts';
import { SpanflowError } from '../../errors.ts';
import type { Refusal } from './entrance.ts';
import { type ChannelSettings, STAGE } from './options.ts';

/** What was refused since the last turn of the event loop, by reason: `onLoss` is told of it outside of the producers' calls. */
export class Refusals<T> {
  readonly #settings: ChannelSettings<T>;
  readonly #account: Account;
  readonly #untold = new Map<Refusal, number>();

  constructor(settings: ChannelSettings<T>, account: Account) {
    this.#settings = settings;
    this.#account = account;
  }

  /** How many reasons there are to tell something. */
  get size(): number {
    return this.#untold.size;
  }

  add(reason: Refusal): void {
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + 1);
  }

  tell(): void {
    const losses = [...this.#untold];
    this.#untold.clear();
    for (const [reason, count] of losses) {
      try {
        this.#settings.onLoss?.({ count, reason, stage: STAGE });
      } catch {
        this.#account.callbackFailed();
      }
    }
  }

  /** What the producer is told that wanted to wait. */
  errorOf(reason: Refusal): SpanflowError {
    const { maxQueueSize, maxQueueBytes, maxWaitingSends } = this.#settings;
    const full = `the queue is full (maxQueueSize ${maxQueueSize}, maxQueueBytes ${maxQueueBytes})`;
    if (reason === 'alreadyShutdown') return new SpanflowError('CLOSED', `${STAGE}: it is closed`);
    if (reason === 'tooLarge')
      return new SpanflowError('QUEUE_FULL', `${STAGE}: an item is larger than maxQueueBytes ${maxQueueBytes}`);
    return new SpanflowError('QUEUE_FULL', `${STAGE}: ${full}, and maxWaitingSends ${maxWaitingSends} wait already`);
  }
}
