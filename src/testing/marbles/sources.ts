import { Observable, type Observer, Subject, type Subscriber } from 'rxjs';
import { MarbleFailure } from '../failures/failure.ts';
import type { VirtualClock } from '../time/clock.ts';
import type { QueuedEvent } from '../time/eventQueue.ts';
import { type Mark, markLetters, parseMarbles, type SubscriptionSpan } from './syntax.ts';

/** A source that was drawn. It remembers who subscribed to it, and when. */
export interface DrawnObservable<T> extends Observable<T> {
  /** In the order of their beginnings. `unsubscribedFrame` is `Infinity` as long as one is open. */
  readonly subscriptions: readonly SubscriptionSpan[];
  /** The drawing. */
  readonly marbles: string;
}

/** What a letter stands for. */
export type ValueOf = (letter: string) => unknown;

type MutableSpan = { subscribedFrame: number; unsubscribedFrame: number };

/** How a source is to be made: its drawing, what its letters are, its error, and whether brackets are allowed. */
export interface SourcePlan {
  readonly marbles: string;
  readonly valueOf: ValueOf;
  readonly error: unknown;
  readonly batches: boolean;
}

/** Emits at its frames whether anybody listens or not. Frame 0 is its `^`, or its beginning. */
export function hotSource<T>(clock: VirtualClock, plan: SourcePlan): DrawnObservable<T> {
  const marks = readMarks(clock, plan, 'hot');
  const subject = new Subject<T>();
  for (const mark of marks) {
    if (mark.frame < 0) continue;
    clock.schedule(clock.now() + mark.frame, () => emit(mark, plan, subject));
  }
  return withSubscriptionLog(clock, plan, (subscriber) => void subscriber.add(subject.subscribe(subscriber)));
}

/** Emits from its beginning to each subscriber. */
export function coldSource<T>(clock: VirtualClock, plan: SourcePlan): DrawnObservable<T> {
  const marks = readMarks(clock, plan, 'cold');
  return withSubscriptionLog(clock, plan, (subscriber) => {
    const events = marks.map((mark) => clock.schedule(clock.now() + mark.frame, () => emit(mark, plan, subscriber)));
    subscriber.add(() => cancelAll(clock, events));
  });
}

function cancelAll(clock: VirtualClock, events: readonly QueuedEvent[]): void {
  for (const event of events) clock.cancel(event);
}

function readMarks(clock: VirtualClock, plan: SourcePlan, kind: 'hot' | 'cold'): readonly Mark[] {
  const { marks, frames } = parseMarbles(plan.marbles, kind);
  clock.drawn(clock.now() + frames);
  if (!plan.batches && marks.some((mark) => mark.kind === 'batch')) {
    throw new MarbleFailure(`${kind}('${plan.marbles}') draws batches: use ${kind}Batches for a source of arrays`);
  }
  if (plan.batches && marks.some((mark) => mark.kind === 'next')) {
    throw new MarbleFailure(`${kind}Batches('${plan.marbles}') draws single items: put each into brackets`);
  }
  // A letter without a value is refused here, where the line that drew it is known.
  for (const letter of marks.flatMap(markLetters)) plan.valueOf(letter);
  return marks;
}

function emit<T>(mark: Mark, plan: SourcePlan, target: Observer<T>): void {
  if (mark.kind === 'next') target.next(plan.valueOf(mark.letter) as T);
  else if (mark.kind === 'batch') target.next(mark.letters.map((letter) => plan.valueOf(letter)) as T);
  else if (mark.kind === 'error') target.error(plan.error);
  else target.complete();
}

function withSubscriptionLog<T>(
  clock: VirtualClock,
  plan: SourcePlan,
  connect: (subscriber: Subscriber<T>) => void,
): DrawnObservable<T> {
  const subscriptions: MutableSpan[] = [];
  const source = new Observable<T>((subscriber) => {
    const span = { subscribedFrame: clock.now(), unsubscribedFrame: Number.POSITIVE_INFINITY };
    subscriptions.push(span);
    subscriber.add(() => {
      span.unsubscribedFrame = clock.now();
    });
    connect(subscriber);
  });
  return Object.assign(source, { subscriptions, marbles: plan.marbles });
}
