import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { Observable, VirtualTimeScheduler } from 'rxjs';
import { type Batch, ExportError, type Failure, type Response, type Sink } from '../../src/index.ts';

/** An item with a number, in the shape that the span processor wants. */
export interface Item extends ReadableSpan {
  readonly id: number;
}

const SAMPLED = { traceId: '0'.repeat(31).concat('1'), spanId: '0'.repeat(15).concat('1'), traceFlags: 1 };

export function itemOf(id: number): Item {
  return {
    id,
    name: `item ${id}`,
    attributes: {},
    events: [],
    links: [],
    spanContext: () => SAMPLED,
  } as unknown as Item;
}

/** How one attempt goes. */
export type Answer =
  | { readonly kind: 'ok'; readonly delayMillis: number; readonly rejected: number }
  | { readonly kind: 'fail'; readonly delayMillis: number; readonly failure: Failure }
  | { readonly kind: 'never' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'empty' };

/** Something that happens to the pipeline from outside. */
export type Event =
  | { readonly kind: 'items'; readonly atMillis: number; readonly count: number }
  | { readonly kind: 'flush' | 'shutdown' | 'unsubscribe' | 'stop'; readonly atMillis: number };

/** Limits small enough that a short schedule reaches every one of them. */
export interface Limits {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly concurrency: number;
  readonly maxUnsettledBatches: number;
  readonly attemptTimeoutMillis: number;
  readonly maxAttempts: number;
  readonly maxElapsedMillis: number;
  readonly overflow: 'dropNewest' | 'dropOldest' | 'dropLowestPriority';
}

export interface Schedule {
  readonly events: readonly Event[];
  readonly answers: readonly Answer[];
  readonly limits: Limits;
}

const delayMillis = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 }));

const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ok' as const), delayMillis, rejected: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      delayMillis,
      failure: fc.oneof(
        fc.constantFrom<Failure>(
          { kind: 'retryable' },
          { kind: 'permanent' },
          { kind: 'tooLarge' },
          { kind: 'unknownOutcome' },
        ),
        fc.record({ kind: fc.constant('throttled' as const), retryAfterMillis: fc.nat(300) }),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Answer>({ kind: 'never' }, { kind: 'throw' }, { kind: 'empty' }) },
);

const atMillis = fc.integer({ min: 0, max: 600 });

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('items' as const), atMillis, count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const), atMillis }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('shutdown' as const, 'unsubscribe' as const, 'stop' as const),
      atMillis,
    }),
  },
);

const limits: fc.Arbitrary<Limits> = fc.record({
  maxQueueSize: fc.integer({ min: 5, max: 60 }),
  maxExportBatchSize: fc.integer({ min: 1, max: 5 }),
  scheduledDelayMillis: fc.integer({ min: 0, max: 100 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  maxUnsettledBatches: fc.integer({ min: 1, max: 12 }),
  attemptTimeoutMillis: fc.integer({ min: 1, max: 150 }),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  maxElapsedMillis: fc.integer({ min: 1, max: 1_000 }),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const, 'dropLowestPriority' as const),
});

/** Random schedules of what happens to a pipeline, and of how its sink behaves. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 25 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 12 }),
  limits,
});

/** A backend that follows a script, and keeps its own books of what reached it. */
export class ScriptedBackend implements Sink<Item> {
  readonly name = 'backend';
  /** Attempts at once, now and at most. */
  running = 0;
  mostRunning = 0;
  attempts = 0;
  /** Items that it took and rejected, by its own count, in answers that somebody still waited for. */
  took = 0;
  rejected = 0;
  /** Items of attempts that it answered with a success, and items of attempts that it began. */
  readonly confirmed = new Set<number>();
  readonly seen = new Set<number>();
  /** Items that left the input: filled by whoever looks on. */
  readonly offers = new Set<number>();
  readonly #answers: readonly Answer[];
  readonly #scheduler: VirtualTimeScheduler;

  constructor(answers: readonly Answer[], scheduler: VirtualTimeScheduler) {
    this.#answers = answers;
    this.#scheduler = scheduler;
  }

  export(batch: Batch<Item>): Observable<Response> {
    return new Observable((subscriber) => {
      const answer = this.#answers[this.attempts % this.#answers.length] as Answer;
      this.attempts += 1;
      if (answer.kind === 'throw') throw new Error('the sink threw');
      this.running += 1;
      this.mostRunning = Math.max(this.mostRunning, this.running);
      for (const item of batch.items) this.seen.add(item.id);
      subscriber.add(() => {
        this.running -= 1;
      });
      if (answer.kind === 'never') return;
      if (answer.kind === 'empty') return subscriber.complete();
      const respond = () => {
        if (answer.kind === 'fail') return subscriber.error(new ExportError(answer.failure, 'scripted'));
        for (const item of batch.items) this.confirmed.add(item.id);
        const rejected = Math.min(answer.rejected, batch.items.length);
        this.rejected += rejected;
        this.took += batch.items.length - rejected;
        subscriber.next({ rejected });
        subscriber.complete();
      };
      if (answer.delayMillis === 0) respond();
      else subscriber.add(this.#scheduler.schedule(respond, answer.delayMillis));
    });
  }
}

/** A scheduler whose time is its own, and whose actions can be looked at between two steps. */
export function virtualTime(): VirtualTimeScheduler {
  return new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);
}
