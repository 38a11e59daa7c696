import type { Observable } from 'rxjs';
import { RANK, type VirtualClock } from '../time/clock.ts';
import { RecordingSubscriber, type StreamEvent } from './recordingSubscriber.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** One thing that an Observable did, at its frame. */
export type ObservedEvent = StreamEvent & { readonly frame: number };

/** Listens to an Observable under test. Frames count from the moment at which it was asked to. */
export class Recording {
  readonly events: ObservedEvent[] = [];
  /** What came after the end. */
  readonly late: ObservedEvent[] = [];
  readonly #clock: VirtualClock;
  readonly #startMillis: number;
  readonly #subscriber: RecordingSubscriber;
  #isOver = false;
  #isFrozen = false;

  constructor(clock: VirtualClock, source: Observable<unknown>, span: SubscriptionSpan) {
    this.#clock = clock;
    this.#startMillis = clock.now();
    this.#subscriber = new RecordingSubscriber((heard, isLate) => this.#record(heard, isLate));
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
    this.#subscriber.unsubscribe();
  }

  #listen(source: Observable<unknown>): void {
    if (!this.#isOver) source.subscribe(this.#subscriber);
  }

  #record(heard: StreamEvent, isLate: boolean): void {
    if (this.#isFrozen) return;
    const event = { ...heard, frame: this.#clock.now() - this.#startMillis };
    if (isLate) this.late.push(event);
    else this.events.push(event);
    this.#isOver ||= heard.kind !== 'next';
  }
}
