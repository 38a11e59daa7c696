import type { Observable } from 'rxjs';
import { RANK, type VirtualClock } from '../time/clock.ts';
import { RecordingSubscriber, type StreamEvent } from './recordingSubscriber.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** One event of an Observable, at its frame. */
export type ObservedEvent = StreamEvent & { readonly frame: number };

/** Records the events of an Observable under test. Frames count from the creation of the recording. */
export class Recording {
  readonly events: ObservedEvent[] = [];
  /** Events that came after the end. */
  readonly late: ObservedEvent[] = [];
  readonly #clock: VirtualClock;
  readonly #startMillis: number;
  readonly #subscriber: RecordingSubscriber;
  #isOver = false;
  #isFrozen = false;

  constructor(clock: VirtualClock, source: Observable<unknown>, span: SubscriptionSpan) {
    this.#clock = clock;
    this.#startMillis = clock.now();
    this.#subscriber = new RecordingSubscriber((event, isLate) => this.#record(event, isLate));
    const from = Number.isFinite(span.subscribedFrame) ? span.subscribedFrame : 0;
    clock.schedule(this.#startMillis + from, () => this.#subscribe(source), RANK.observer);
    if (!Number.isFinite(span.unsubscribedFrame)) return;
    clock.noteDrawnFrame(this.#startMillis + span.unsubscribedFrame);
    clock.schedule(this.#startMillis + span.unsubscribedFrame, () => this.stop(), RANK.observer);
  }

  /** Whether no event can come any more: the Observable completed, failed, or was unsubscribed as drawn. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Stops recording, because later events come from the cleanup. */
  freeze(): void {
    this.#isFrozen = true;
  }

  stop(): void {
    this.#isOver = true;
    this.#subscriber.unsubscribe();
  }

  #subscribe(source: Observable<unknown>): void {
    if (!this.#isOver) source.subscribe(this.#subscriber);
  }

  #record(event: StreamEvent, isLate: boolean): void {
    if (this.#isFrozen) return;
    const observed = { ...event, frame: this.#clock.now() - this.#startMillis };
    if (isLate) this.late.push(observed);
    else this.events.push(observed);
    this.#isOver ||= event.kind !== 'next';
  }
}
