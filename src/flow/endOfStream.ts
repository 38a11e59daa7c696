import type { Observable, Observer, Subscriber, Subscription } from 'rxjs';
import { subscribeInto } from '../internal/subscribeInto.ts';

/** What an operator that still has items when its source ends says about them. */
export interface EndPlan {
  /** Whether everything that has to come out before the end has come out. */
  readonly isDone: () => boolean;
  /** Unsubscribes the source, when the stream ends by an error. */
  readonly leaveSource: () => void;
  /** Sends out what is held back, as far as that is possible now. Default: nothing. */
  readonly drain?: (kind: 'complete' | 'error') => void;
  /** Keeps the process alive until the rest has come out. Default: nothing does. */
  readonly hold?: () => Subscription;
  /** Subscribes the source. Default: it does just that. */
  readonly subscribe?: <T>(source: Observable<T>, observer: Observer<T>, upstream: Subscription) => void;
}

/**
 * The end of an operator that outlives its source: when the source has completed or failed, the rest comes out first, and then the subscriber gets the same end. The first end counts.
 */
export class EndOfStream {
  readonly #subscriber: Subscriber<never>;
  readonly #plan: EndPlan;
  #end: (() => void) | undefined; // how the stream ends, once nothing is left

  constructor(subscriber: Subscriber<never>, plan: EndPlan) {
    this.#subscriber = subscriber;
    this.#plan = plan;
  }

  /** Whether nothing comes from the source any more. */
  get hasBegun(): boolean {
    return this.#end !== undefined;
  }

  /** Subscribes the source within `upstream`; its end is how the stream ends. */
  follow<T>(source: Observable<T>, next: (item: T) => void, upstream: Subscription): void {
    const subscribe = this.#plan.subscribe ?? subscribeInto;
    subscribe(source, { next, error: (thrown) => this.error(thrown), complete: () => this.complete() }, upstream);
  }

  complete(): void {
    this.#begin('complete', () => this.#subscriber.complete());
  }

  error(thrown: unknown): void {
    this.#begin('error', () => this.#subscriber.error(thrown));
  }

  /** Ends the stream if nothing more can come. To be called after each change to what `isDone` looks at. */
  check(): void {
    if (this.#end !== undefined && this.#plan.isDone()) this.#end();
  }

  #begin(kind: 'complete' | 'error', end: () => void): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (kind === 'error') this.#plan.leaveSource();
    this.#plan.drain?.(kind);
    this.check();
    if (this.#plan.hold !== undefined && !this.#subscriber.closed) this.#subscriber.add(this.#plan.hold());
  }
}
