import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ViewOptions } from '../../otlp/decode/viewRequest.ts';
import { FixedDelays } from '../shared/fixedDelays.ts';
import { BearerTokens } from './admission/bearerTokens.ts';
import { ByteBudget, ByteLease } from './admission/byteBudget.ts';
import { OWNER, type ReceiverSettings } from './options.ts';
import { type Format, readRequest } from './readRequest.ts';
import { type Obstacle, SignalInput } from './signalInput.ts';
import * as verdicts from './verdict.ts';

type Verdict = verdicts.Verdict;

/** What both servers do with a request: whether it may be read, what it holds, and how it is answered. */
export class Reception {
  readonly settings: ReceiverSettings;
  readonly signals: { readonly [S in SignalName]: SignalInput<SignalItems[S]> };
  /** A shutdown has begun: nothing new is taken. */
  isClosing = false;
  readonly #tokens: BearerTokens | undefined;
  readonly #bytes: ByteBudget;
  readonly #connections = new WeakMap<object, ByteBudget>();
  readonly #answers: FixedDelays;
  readonly #unanswered = new Set<(verdict: Verdict) => void>();
  readonly #onIdle: () => void;
  readonly #views: ViewOptions;
  #received = 0;
  #malformedTexts = 0;
  #reading = 0; // requests that were admitted, and have not come as a whole
  #whenReceived: (() => void)[] = [];
  #open = 0; // requests that were begun and not ended

  /** @param onIdle called whenever no request is open or being read, and nothing is queued or out */
  constructor(settings: ReceiverSettings, onIdle: () => void) {
    const { scheduler, bearerTokens, name = OWNER } = settings;
    const leases = new FixedDelays(scheduler, settings.holdLeaseMillis);
    this.settings = settings;
    this.signals = {
      traces: new SignalInput(`${name}(traces)`, settings, leases),
      logs: new SignalInput(`${name}(logs)`, settings, leases),
      metrics: new SignalInput(`${name}(metrics)`, settings, leases),
    };
    this.#tokens = bearerTokens && new BearerTokens(bearerTokens);
    this.#bytes = new ByteBudget(settings.maxBytesInFlight);
    this.#answers = new FixedDelays(scheduler, settings.answerTimeoutMillis);
    this.#onIdle = onIdle;
    this.#views = {
      ...settings.decode,
      onMalformedText: () => {
        this.#malformedTexts += 1;
      },
    };
  }

  get counts() {
    return {
      ...{ requests: this.#received, openRequests: this.#open, bytesInFlight: this.#bytes.usedBytes },
      malformedTexts: this.#malformedTexts,
    };
  }

  get isIdle(): boolean {
    return this.#open === 0 && this.#reading === 0 && Object.values(this.signals).every(({ isIdle }) => isIdle);
  }

  /** A request has come. The returned function says that it is over. */
  begin(): () => void {
    this.#received += 1;
    this.#open += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#open -= 1;
      this.#checkIdle();
    };
  }

  /** A request that was admitted is being read. The returned function says that it has come, or will not. */
  beginReading(): () => void {
    this.#reading += 1;
    return () => {
      this.#reading -= 1;
      if (this.#reading === 0) for (const work of this.#whenReceived.splice(0)) work();
      this.#checkIdle();
    };
  }

  /** Calls `work` when no request is being read: at once if none is. */
  untilReceived(work: () => void): void {
    if (this.#reading === 0) work();
    else this.#whenReceived.push(work);
  }

  /** Whether a sender may send at all. */
  authorize(authorization: string | undefined): Verdict | undefined {
    if (this.#tokens === undefined || this.#tokens.admits(authorization)) return undefined;
    return verdicts.unauthenticated('send one of the bearer tokens of this receiver: Authorization: Bearer <token>');
  }

  /** Why a request cannot be read now. `bytes` is what is known of its size. */
  admit(signal: SignalName, bytes: number): Verdict | undefined {
    const { maxRequestBytes, retryAfterMillis } = this.settings;
    if (bytes > maxRequestBytes) return this.tooLarge();
    const obstacle = this.isClosing ? 'closed' : this.signals[signal].obstacle(bytes);
    return obstacle && verdictOfObstacle(obstacle, signal, retryAfterMillis);
  }

  /** What the body of a request may take, on this connection if one is given. */
  lease(connection?: object): ByteLease {
    if (connection === undefined) return new ByteLease([this.#bytes]);
    const budget = this.#connections.get(connection) ?? new ByteBudget(this.settings.maxConnectionBytes);
    this.#connections.set(connection, budget);
    return new ByteLease([budget, this.#bytes]);
  }

  tooLarge(): Verdict {
    const { maxRequestBytes } = this.settings;
    return verdicts.tooLarge(`the request is over maxRequestBytes ${maxRequestBytes}: send smaller batches`);
  }

  /** No budget has room for more bytes of a body. */
  noBytes(): Verdict {
    return verdicts.busy('too many bytes are being received: send less at a time', this.settings.retryAfterMillis);
  }

  /** There is no place for one more request. */
  tooManyOpen(): Verdict {
    return verdicts.busy('too many requests have no answer: send fewer at a time', this.settings.retryAfterMillis);
  }

  /** Takes a request that has come as a whole. `answer` is called once. */
  receive(signal: SignalName, format: Format, body: Uint8Array, answer: (verdict: Verdict) => void): void {
    const items = readRequest(signal, format, body, { protobuf: this.#views, json: this.settings.decode });
    if (!Array.isArray(items)) answer(items as Verdict);
    else if (items.length === 0) answer(verdicts.OK);
    else this.#offer(this.signals[signal] as SignalInput<unknown>, items, body.length, answer);
  }

  /** Answers every request that waits for an outcome: there will be none in time. */
  answerAll(verdict: Verdict): void {
    for (const answer of [...this.#unanswered]) answer(verdict);
  }

  #offer(
    input: SignalInput<unknown>,
    items: readonly unknown[],
    bytes: number,
    answer: (verdict: Verdict) => void,
  ): void {
    const { acknowledge, retryAfterMillis } = this.settings;
    const reply = this.#once(answer);
    const ended: Parameters<typeof input.offer>[2]['ended'] = (tally) => {
      reply(tally === 'handedOn' ? verdicts.OK : verdicts.verdictOf(tally, items.length, retryAfterMillis));
      this.#checkIdle();
    };
    const refusal = input.offer(items, bytes, { ended });
    if (refusal === 'tooLarge')
      reply(verdicts.tooLarge(`${items.length} items are more than the queue takes: send smaller batches`));
    else if (refusal === 'queueFull') reply(verdicts.busy('the queue is full', retryAfterMillis));
    else if (refusal !== undefined) reply(verdicts.unavailable('nothing is taken at present', retryAfterMillis));
    else if (acknowledge === 'accepted') reply(verdicts.OK);
  }

  /** The first verdict counts. One comes in any case. */
  #once(answer: (verdict: Verdict) => void): (verdict: Verdict) => void {
    const reply = (verdict: Verdict) => {
      if (!this.#unanswered.delete(reply)) return;
      endWait();
      answer(verdict);
    };
    const { answerTimeoutMillis, retryAfterMillis } = this.settings;
    const late = `there was no outcome within ${answerTimeoutMillis} ms: the items may arrive nevertheless`;
    const endWait = this.#answers.begin(() => reply(verdicts.unavailable(late, retryAfterMillis)));
    this.#unanswered.add(reply);
    return reply;
  }

  #checkIdle(): void {
    if (this.isIdle) this.#onIdle();
  }
}

function verdictOfObstacle(obstacle: Obstacle, signal: SignalName, retryAfterMillis: number): Verdict {
  switch (obstacle) {
    case 'neverSubscribed':
      return verdicts.notServed(`nobody takes ${signal} here: the program has not subscribed to ${signal}$`);
    case 'unsubscribed':
      return verdicts.unavailable(`nobody takes ${signal} at present`, retryAfterMillis);
    case 'full':
      return verdicts.busy('the queue is full', retryAfterMillis);
    case 'closed':
      return verdicts.unavailable('the receiver is shutting down', retryAfterMillis);
  }
}
