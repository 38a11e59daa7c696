import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Spans that end in one turn of the event loop. */
const SPANS_PER_TURN = 512;

/** Offers spans as fast as they are taken: so many are on their way at once, and the next come when those have been answered. */
export class Offering {
  readonly #spans: readonly ReadableSpan[];
  readonly #offer: (span: ReadableSpan) => void;
  readonly #window: number;
  #offered = 0;
  #ended = 0;
  #delivered = 0;
  #isWaiting = false; // for answers
  #isOpen = true;
  readonly #drained = Promise.withResolvers<void>();

  constructor(spans: readonly ReadableSpan[], window: number, offer: (span: ReadableSpan) => void) {
    this.#spans = spans;
    this.#window = window;
    this.#offer = offer;
  }

  get offered(): number {
    return this.#offered;
  }

  get delivered(): number {
    return this.#delivered;
  }

  start(): void {
    setImmediate(() => this.#turn());
  }

  ended(spans: number, delivered: number): void {
    this.#ended += spans;
    this.#delivered += delivered;
    if (!this.#isOpen && this.#ended >= this.#offered) this.#drained.resolve();
    if (!this.#isWaiting || this.#room < SPANS_PER_TURN) return;
    this.#isWaiting = false;
    this.start();
  }

  /** Offers no more, and resolves when everything has been answered. */
  async stop(flush: () => Promise<void>): Promise<void> {
    this.#isOpen = false;
    if (this.#ended >= this.#offered) return;
    await flush();
    await this.#drained.promise;
  }

  get #room(): number {
    return this.#window - (this.#offered - this.#ended);
  }

  #turn(): void {
    if (!this.#isOpen) return;
    const count = Math.min(SPANS_PER_TURN, this.#room);
    for (let left = count; left > 0; left--) {
      this.#offer(this.#spans[this.#offered % this.#spans.length] as ReadableSpan);
      this.#offered += 1;
    }
    if (this.#room >= SPANS_PER_TURN) this.start();
    else this.#isWaiting = true;
  }
}
