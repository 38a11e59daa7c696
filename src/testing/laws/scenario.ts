import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import type { Failure } from '../../model/sink.ts';
import { anySpan } from './anySpan.ts';

/**
 * How a backend answers one attempt. `answers`: with a response · `fails`: with an error · `throws`: at once, instead of returning anything · `says nothing`: it completes
 * without a response · `hangs`: it never answers.
 */
export type Answer =
  | {
      readonly kind: 'answers';
      /** After how long, in virtual milliseconds. */
      readonly delayMillis: number;
      /** How many items the response rejects, at most. */
      readonly rejected: number;
    }
  | {
      readonly kind: 'fails';
      /** After how long, in virtual milliseconds. */
      readonly delayMillis: number;
      /** What the error means. */
      readonly failure: Failure;
    }
  | { readonly kind: 'throws' }
  | { readonly kind: 'says nothing' }
  | { readonly kind: 'hangs' };

/** An event at the input of a pipeline. `spans`: so many come at once · `flush`: a flush is asked for · `stop`: the pipeline is told to give up. */
export type LawEvent =
  | {
      readonly kind: 'spans';
      /** When, in virtual milliseconds from the start of the run. */
      readonly atMillis: number;
      /** How many spans. */
      readonly count: number;
    }
  | {
      readonly kind: 'flush' | 'stop';
      /** When, in virtual milliseconds from the start of the run. */
      readonly atMillis: number;
    };

/** How a run ends. `complete`, `error`: the source does · `unsubscribe`: the pipeline is unsubscribed. */
export interface Ending {
  /** What happens. */
  readonly kind: 'complete' | 'error' | 'unsubscribe';
  /** When, in virtual milliseconds from the start of the run. */
  readonly atMillis: number;
}

/** The events of a run and its ending. */
export interface Schedule {
  /** In the order of their times. */
  readonly events: readonly LawEvent[];
  /** How the run ends. */
  readonly ending: Ending;
}

/** One run of a pipeline: the events at its input, and the answers of its backend. */
export interface Scenario {
  /** What comes, and how it ends. */
  readonly schedule: Schedule;
  /** One answer for each attempt, in the order in which attempts begin. After the last answer the list repeats. */
  readonly answers: readonly Answer[];
  /** The spans to emit, in turn. Each emitted copy gets an id of its own. */
  readonly shapes: readonly ReadableSpan[];
}

/** The kinds of answers of a backend: `answers`, `fails`, `throws`, `says nothing`, `hangs`. See {@link Answer}. */
export type AnswerKind = Answer['kind'];

const ANSWER_KINDS: readonly AnswerKind[] = ['answers', 'fails', 'throws', 'says nothing', 'hangs'];

/** How long schedules are, and how long backends take. */
const MAX_MILLIS = 600;
const MAX_ANSWER_MILLIS = 120;

const delayMillis = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: MAX_ANSWER_MILLIS }));

const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('retryable' as const, 'permanent' as const, 'tooLarge' as const, 'unknownOutcome' as const),
  }),
  fc.record({ kind: fc.constant('throttled' as const), retryAfterMillis: fc.nat(300) }),
);

/** Generates the answers of a backend. `kinds` restricts them, for example to exclude `hangs` for a pipeline without a timeout. Default: all kinds. */
export function anyBackend({
  kinds = ANSWER_KINDS,
}: {
  readonly kinds?: readonly AnswerKind[];
} = {}): fc.Arbitrary<readonly Answer[]> {
  const weighted: { weight: number; arbitrary: fc.Arbitrary<Answer> }[] = [];
  if (kinds.includes('answers')) {
    const arbitrary = fc.record({ kind: fc.constant('answers' as const), delayMillis, rejected: fc.nat(2) });
    weighted.push({ weight: 5, arbitrary });
  }
  if (kinds.includes('fails')) {
    weighted.push({ weight: 4, arbitrary: fc.record({ kind: fc.constant('fails' as const), delayMillis, failure }) });
  }
  for (const kind of ['throws', 'says nothing', 'hangs'] as const) {
    if (kinds.includes(kind)) weighted.push({ weight: 1, arbitrary: fc.constant<Answer>({ kind }) });
  }
  return fc.array(fc.oneof(...weighted), { minLength: 1, maxLength: 12 });
}

const atMillis = fc.nat(MAX_MILLIS);

/** Generates a schedule: bursts of spans, flushes, sometimes a stop, and an ending. */
export function anySchedule(): fc.Arbitrary<Schedule> {
  const event: fc.Arbitrary<LawEvent> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('spans' as const), atMillis, count: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const), atMillis }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), atMillis }) },
  );
  const kind = fc.constantFrom('complete' as const, 'error' as const, 'unsubscribe' as const);
  return fc.record({
    events: fc.array(event, { minLength: 1, maxLength: 25 }),
    ending: fc.record({ kind, atMillis: fc.nat(MAX_MILLIS + 100) }),
  });
}

/** Generates a run: any schedule, backend and spans. Each part can be replaced by another arbitrary. */
export function anyScenario(
  parts: {
    readonly schedule?: fc.Arbitrary<Schedule>;
    readonly answers?: fc.Arbitrary<readonly Answer[]>;
    readonly shapes?: fc.Arbitrary<readonly ReadableSpan[]>;
  } = {},
): fc.Arbitrary<Scenario> {
  const { schedule = anySchedule(), answers = anyBackend() } = parts;
  const shapes = parts.shapes ?? fc.array(anySpan(), { minLength: 1, maxLength: 3 });
  return fc.record({ schedule, answers, shapes });
}
