import fc from 'fast-check';
import { Observable, type VirtualTimeScheduler } from 'rxjs';
import { type Batch, ExportError, type Failure, type Response, type Sink } from '../../src/index.ts';
import type { Item } from './world.ts';

/** How one attempt goes. `ok` has arrived after half of its delay; `lost` arrives, and is never answered. */
export type ChaosAnswer =
  | { readonly kind: 'ok'; readonly delayMillis: number }
  | { readonly kind: 'fail'; readonly delayMillis: number; readonly failure: Failure }
  | { readonly kind: 'lost' }
  | { readonly kind: 'never' };

/** Something that happens to the pipeline from outside. */
export type ChaosEvent =
  | { readonly kind: 'items'; readonly atMillis: number; readonly count: number }
  | { readonly kind: 'limit'; readonly atMillis: number; readonly limit: number }
  | {
      readonly kind: 'settings';
      readonly atMillis: number;
      readonly maxExportBatchSize: number;
      readonly attemptTimeoutMillis: number;
    }
  | {
      /** `hold` and `release`: `pauseWhen` says so. `abandon`: a shutdown without any patience. */
      readonly kind: 'flush' | 'pause' | 'resume' | 'hold' | 'release' | 'shutdown' | 'abandon';
      readonly atMillis: number;
    };

/** Which layers the attempts pass. */
export interface ChaosLayers {
  readonly concurrency: 'adaptive' | 'aimd' | 'fixed' | 'changing';
  readonly breaker: boolean;
  readonly rate: 'none' | 'items' | 'bytes';
  readonly budget: boolean;
  /** Whether each branch has layers of its own. */
  readonly perBranch: boolean;
  /** Whether a breaker and a rate are around the sinks, too. */
  readonly aroundSinks: boolean;
}

export interface ChaosSchedule {
  readonly events: readonly ChaosEvent[];
  readonly layers: ChaosLayers;
  /** Of each backend. */
  readonly answers: readonly (readonly ChaosAnswer[])[];
  readonly overflow: 'dropNewest' | 'dropOldest' | 'dropLowestPriority';
}

const delayMillis = fc.integer({ min: 0, max: 120 });
const atMillis = fc.integer({ min: 0, max: 900 });

const answer: fc.Arbitrary<ChaosAnswer> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ok' as const), delayMillis }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      delayMillis,
      failure: fc.oneof(
        fc.constantFrom<Failure>({ kind: 'retryable' }, { kind: 'permanent' }, { kind: 'tooLarge' }),
        fc.record({ kind: fc.constant('throttled' as const), retryAfterMillis: fc.nat(300) }),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom<ChaosAnswer>({ kind: 'lost' }, { kind: 'never' }) },
);

const event: fc.Arbitrary<ChaosEvent> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('items' as const), atMillis, count: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('limit' as const), atMillis, limit: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('flush' as const, 'pause' as const, 'resume' as const, 'hold' as const, 'release' as const),
      atMillis,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('settings' as const),
      atMillis,
      maxExportBatchSize: fc.integer({ min: 1, max: 8 }),
      attemptTimeoutMillis: fc.integer({ min: 20, max: 200 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('shutdown' as const, 'abandon' as const),
      atMillis: fc.integer({ min: 300, max: 900 }),
    }),
  },
);

const script = fc.array(answer, { minLength: 1, maxLength: 12 });

/** Random schedules of what happens to a pipeline, of the layers in front of its backends, and of how these behave. */
export const chaos: fc.Arbitrary<ChaosSchedule> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 25 }),
  layers: fc.record({
    concurrency: fc.constantFrom('adaptive', 'aimd', 'fixed', 'changing'),
    breaker: fc.boolean(),
    rate: fc.constantFrom('none', 'items', 'bytes'),
    budget: fc.boolean(),
    perBranch: fc.boolean(),
    aroundSinks: fc.boolean(),
  }),
  answers: fc.tuple(script, script, script),
  overflow: fc.constantFrom('dropNewest', 'dropOldest', 'dropLowestPriority'),
});

/** A backend that follows a script, and counts how often each item has arrived. */
export class ChaosBackend implements Sink<Item> {
  readonly name: string;
  readonly arrivals = new Map<number, number>();
  /** Items of attempts that have arrived and whose answer nobody has got. */
  readonly unanswered = new Set<number>();
  running = 0;
  attempts = 0;
  readonly #answers: readonly ChaosAnswer[];
  readonly #scheduler: VirtualTimeScheduler;

  constructor(name: string, answers: readonly ChaosAnswer[], scheduler: VirtualTimeScheduler) {
    this.name = name;
    this.#answers = answers;
    this.#scheduler = scheduler;
  }

  export({ items }: Batch<Item>): Observable<Response> {
    return new Observable((subscriber) => {
      const answer = this.#answers[this.attempts % this.#answers.length] as ChaosAnswer;
      this.attempts += 1;
      this.running += 1;
      let hasArrived = false;
      let isAnswered = false;
      const arrive = () => {
        hasArrived = true;
        for (const { id } of items) this.arrivals.set(id, (this.arrivals.get(id) ?? 0) + 1);
      };
      subscriber.add(() => {
        this.running -= 1;
        if (hasArrived && !isAnswered) for (const { id } of items) this.unanswered.add(id);
      });
      if (answer.kind === 'never') return;
      if (answer.kind === 'lost') return arrive();
      const { delayMillis } = answer;
      subscriber.add(
        this.#scheduler.schedule(() => {
          if (answer.kind === 'ok') arrive();
          subscriber.add(
            this.#scheduler.schedule(() => {
              isAnswered = true;
              if (answer.kind === 'fail') return subscriber.error(new ExportError(answer.failure, 'scripted'));
              subscriber.next({});
              subscriber.complete();
            }, delayMillis / 2),
          );
        }, delayMillis / 2),
      );
    });
  }
}
