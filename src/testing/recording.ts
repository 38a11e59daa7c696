import { type Observable, Subscription } from 'rxjs';
import { type Batch, isBatch } from '../batch.ts';
import { RANK, type VirtualClock } from './clock.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** One thing that an Observable did, at its frame. */
export type Observed =
  | { readonly kind: 'next'; readonly frame: number; readonly value: unknown }
  | { readonly kind: 'complete'; readonly frame: number }
  | { readonly kind: 'error'; readonly frame: number; readonly error: unknown };

/** Listens to an Observable under test. Frames count from the moment at which it was asked to. */
export class Recording {
  readonly events: Observed[] = [];
  readonly #clock: VirtualClock;
  readonly #startMillis: number;
  readonly #subscription = new Subscription();
  #isOver = false;
  #isFrozen = false;

  constructor(clock: VirtualClock, source: Observable<unknown>, span: SubscriptionSpan) {
    this.#clock = clock;
    this.#startMillis = clock.now();
    const from = Number.isFinite(span.subscribedFrame) ? span.subscribedFrame : 0;
    clock.schedule(this.#startMillis + from, () => this.#listen(source), RANK.observer);
    if (!Number.isFinite(span.unsubscribedFrame)) return;
    clock.drawn(this.#startMillis + span.unsubscribedFrame);
    clock.schedule(this.#startMillis + span.unsubscribedFrame, () => this.stop(), RANK.observer);
  }

  /** Whether nothing more can come: it completed, failed, or was unsubscribed as drawn. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Records no more: what comes now comes from the clearing up. */
  freeze(): void {
    this.#isFrozen = true;
  }

  stop(): void {
    this.#isOver = true;
    this.#subscription.unsubscribe();
  }

  #listen(source: Observable<unknown>): void {
    if (this.#isOver) return;
    this.#subscription.add(
      source.subscribe({
        next: (value) => this.#record({ kind: 'next', frame: this.#frame(), value }),
        error: (error) => this.#recordEnd({ kind: 'error', frame: this.#frame(), error }),
        complete: () => this.#recordEnd({ kind: 'complete', frame: this.#frame() }),
      }),
    );
  }

  #frame(): number {
    return this.#clock.now() - this.#startMillis;
  }

  #record(event: Observed): void {
    if (!this.#isFrozen) this.events.push(event);
  }

  #recordEnd(event: Observed): void {
    this.#record(event);
    this.#isOver = true;
  }
}

/** The items of a batch or of an array, and `undefined` for any other value. */
export function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const candidate = value as Batch<unknown>;
  return isBatch(candidate) && Array.isArray(candidate.items) ? candidate.items : undefined;
}
