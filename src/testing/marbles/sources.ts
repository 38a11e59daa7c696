import { Observable, type Observer, Subject, type Subscriber } from 'rxjs';
import { MarbleFailure } from '../failures/failure.ts';
import type { VirtualClock } from '../time/clock.ts';
import type { QueuedEvent } from '../time/eventQueue.ts';
import { type Mark, markLetters, parseMarbles, type SubscriptionSpan } from './syntax.ts';

/** A source that the test draws. It records when it is subscribed to and unsubscribed. */
export interface DrawnObservable<T> extends Observable<T> {
  /** In the order in which they began. `unsubscribedFrame` is `Infinity` while a subscription is open. */
  readonly subscriptions: readonly SubscriptionSpan[];
  /** The drawing. */
  readonly marbles: string;
}

/** Returns the value of a letter. */
export type ValueOf = (letter: string) => unknown;

type MutableSpan = { subscribedFrame: number; unsubscribedFrame: number };

/** What a source is made of: its drawing, the values of its letters, its error, and whether it emits batches. */
export interface SourcePlan {
  readonly marbles: string;
  readonly valueOf: ValueOf;
  readonly error: unknown;
  readonly batches: boolean;
}

/** Emits at its frames, with or without subscribers. Frame 0 is its `^`, or else its beginning. */
export function hotSource<T>(clock: VirtualClock, plan: SourcePlan): DrawnObservable<T> {
  const marks = readMarks(clock, plan, 'hot');
  const subject = new Subject<T>();
  for (const mark of marks) {
    if (mark.frame < 0) continue;
    clock.schedule(clock.now() + mark.frame, () => emit(mark, plan, subject));
  }
  return withSubscriptionLog(clock, plan, (subscriber) => void subscriber.add(subject.subscribe(subscriber)));
}

/** Emits to each subscriber from the beginning of the drawing. */
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
  clock.noteDrawnFrame(clock.now() + frames);
  if (!plan.batches && marks.some((mark) => mark.kind === 'batch')) {
    throw new MarbleFailure(`${kind}('${plan.marbles}') draws batches: use ${kind}Batches for a source of arrays`);
  }
  if (plan.batches && marks.some((mark) => mark.kind === 'next')) {
    throw new MarbleFailure(`${kind}Batches('${plan.marbles}') draws single items: put each into brackets`);
  }
  // A letter without a value fails here, where the stack shows the line that drew it.
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
