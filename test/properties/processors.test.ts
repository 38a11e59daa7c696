import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { type Observable, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { createLedger, type Ledger } from '../../src/index.ts';
import {
  enrich,
  groupByTrace,
  redact,
  type SamplingPolicy,
  spanMetrics,
  statistics,
  tailSample,
} from '../../src/processors/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { spanWith } from '../support/spans.ts';
import { checkBooks } from './books.ts';

/** A span comes, or time passes. */
const steps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      trace: fc.nat(6),
      failed: fc.boolean(),
      bytes: fc.nat(12),
      isBroken: fc.nat(20).map((one) => one === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ waitMillis: fc.nat(8) }) },
);

const schedules = fc.record({
  steps: fc.array(steps, { maxLength: 60 }),
  ending: fc.constantFrom('complete' as const, 'error' as const, 'unsubscribe' as const),
  /** Each n-th span that comes out makes another one come in; 0: none does. */
  feedback: fc.nat(3),
  maxTraces: fc.integer({ min: 1, max: 5 }),
  maxSpans: fc.integer({ min: 1, max: 12 }),
  maxBytes: fc.integer({ min: 8, max: 40 }),
  maxSpansPerTrace: fc.integer({ min: 1, max: 6 }),
  maxWaitMillis: fc.nat(10),
  idleMillis: fc.oneof(fc.nat(6), fc.constant(Number.POSITIVE_INFINITY)),
  maxDecisions: fc.integer({ min: 1, max: 20 }),
});
type Schedule = typeof schedules extends fc.Arbitrary<infer S> ? S : never;
type Step = Schedule['steps'][number];

const sizes = new WeakMap<ReadableSpan, number>();
const sizeOf = (span: ReadableSpan) => sizes.get(span) ?? 1;

const traceIdOf = (trace: number) => trace.toString(16).repeat(32);

function spanOf({ trace, failed, bytes, isBroken }: Extract<Step, { trace: number }>): ReadableSpan {
  const context = { traceId: traceIdOf(trace), spanId: '0123456789abcdef', traceFlags: 1 };
  const spanContext = isBroken ? () => fail() : () => context;
  const span = spanWith({ name: String(trace), status: { code: failed ? 2 : 0 }, spanContext });
  const broken = isBroken ? Object.defineProperty(span, 'attributes', { get: () => fail() }) : span;
  sizes.set(broken, bytes);
  return broken;
}

function fail(): never {
  throw new Error('broken');
}

interface Stage {
  readonly name: string;
  readonly make: (schedule: Schedule, ledger: Ledger) => (spans$: Observable<ReadableSpan>) => Observable<unknown>;
  /** How many spans something that is emitted stands for; 0 where it stands for none. */
  readonly spansIn: (emitted: unknown) => number;
  /** Whether it removes spans, and emits new items. */
  readonly isFold?: true;
}

const POLICIES: readonly SamplingPolicy[] = [{ kind: 'errors' }, { kind: 'probabilistic', ratio: 0.4 }];

const holdingOf = ({ maxTraces, maxSpans, maxBytes, maxSpansPerTrace, maxWaitMillis, idleMillis }: Schedule) => ({
  ...{ maxTraces, maxSpans, maxBytes, maxSpansPerTrace, maxWaitMillis, idleMillis, sizeOf },
});

const STAGES: readonly Stage[] = [
  {
    name: 'groupByTrace',
    make: (schedule, ledger) => groupByTrace({ ...holdingOf(schedule), ledger }),
    spansIn: (group) => (group as { spans: readonly unknown[] }).spans.length,
  },
  {
    name: 'tailSample',
    make: (schedule, ledger) =>
      tailSample({ ...holdingOf(schedule), maxDecisions: schedule.maxDecisions, policies: POLICIES, ledger }),
    spansIn: () => 1,
  },
  { name: 'redact', make: (_, ledger) => redact({ patterns: [/x/], ledger }), spansIn: () => 1 },
  { name: 'enrich', make: (_, ledger) => enrich({ a: 1 }, { ledger }), spansIn: () => 1 },
  {
    name: 'spanMetrics',
    make: ({ maxWaitMillis }, ledger) => spanMetrics({ exportIntervalMillis: maxWaitMillis + 1, ledger }),
    spansIn: () => 0,
    isFold: true,
  },
  {
    name: 'statistics',
    make: ({ maxWaitMillis }, ledger) => statistics({ windowMillis: maxWaitMillis + 1, ledger }),
    spansIn: (one) => (one as { count: number }).count,
    isFold: true,
  },
];

test.each(STAGES)('$name, by any schedule: the books add up at every instant, and bounds hold', (stage) =>
  fc.assert(
    fc.asyncProperty(schedules, (schedule) =>
      virtualTime(async ({ advanceBy }) => {
        const ledger = createLedger();
        const source = new Subject<ReadableSpan>();
        let [came, wentOut, emissions, hasEnded, isOver] = [0, 0, 0, false, false];
        const books = () => ledger.stats().stages[stage.name];
        const check = () => {
          checkBooks(ledger);
          const { offered = 0, pending = 0 } = books() ?? {};
          // Metrics and statistics are new items.
          expect(offered).toBe(came + (stage.isFold === true ? emissions : 0));
          // What comes back in during an emission waits for it to return.
          if (stage.name === 'tailSample' || stage.name === 'groupByTrace')
            expect(pending).toBeLessThanOrEqual(2 * schedule.maxSpans + schedule.maxSpansPerTrace);
        };
        const push = (span: ReadableSpan) => {
          if (hasEnded || isOver) return;
          came += 1;
          source.next(span);
        };
        const next = (emitted: unknown) => {
          expect(isOver).toBe(false);
          emissions += 1;
          wentOut += stage.spansIn(emitted);
          if (schedule.feedback > 0 && emissions % (schedule.feedback + 1) === 0 && emissions < 200)
            push(spanOf({ trace: emissions % 7, failed: false, bytes: 1, isBroken: false }));
        };
        const subscription = stage
          .make(
            schedule,
            ledger,
          )(source)
          .subscribe({ next, error: () => (isOver = true), complete: () => (isOver = true) });
        for (const step of schedule.steps) {
          if ('waitMillis' in step) await advanceBy(step.waitMillis);
          else push(spanOf(step));
          check();
        }
        const { ending } = schedule;
        hasEnded = true;
        if (ending === 'complete') source.complete();
        else if (ending === 'error') source.error(new Error('source'));
        else subscription.unsubscribe();
        check();
        const { pending, handedOn, removed, lost } = books() ?? {};
        expect(pending).toBe(0);
        expect(source.observed).toBe(false);
        expect(handedOn).toBe(stage.isFold === true ? emissions : wentOut);
        if (stage.name === 'statistics') expect(removed).toBe(wentOut);
        if (ending !== 'unsubscribe') expect(lost?.unsubscribed ?? 0).toBe(0);
      }),
    ),
    randomRuns(60),
  ),
);

test('tailSample, by any schedule: a trace is kept as a whole, or not at all, and by the policy that is booked', () =>
  fc.assert(
    fc.asyncProperty(schedules, (schedule) =>
      virtualTime(async ({ advanceBy }) => {
        const ledger = createLedger();
        const source = new Subject<ReadableSpan>();
        const kept = new Map<string, number>();
        const came = new Map<string, number>();
        const count = (counts: Map<string, number>, { name }: ReadableSpan) =>
          counts.set(name, (counts.get(name) ?? 0) + 1);
        const options = { ...holdingOf({ ...schedule, maxBytes: 1_000 }), policies: POLICIES, ledger };
        source.pipe(tailSample(options)).subscribe((span) => count(kept, span));
        for (const step of schedule.steps) {
          if ('waitMillis' in step) await advanceBy(step.waitMillis);
          else if (!step.isBroken) {
            const span = spanOf(step);
            count(came, span);
            source.next(span);
          }
        }
        source.complete();
        for (const [trace, spans] of kept) expect(spans).toBe(came.get(trace));
        // By the randomness of the id, a ratio of 0.4 keeps those whose digits are 9 or more: no trace here. So it was the errors.
        const figures = ledger.stats().stages.tailSample?.figures ?? {};
        const total = [...kept.values()].reduce((sum, spans) => sum + spans, 0);
        expect(figures['kept.errors'] ?? 0).toBe(total);
        expect(ledger.stats()).toMatchObject({ handedOn: total, pending: 0, lost: {} });
      }),
    ),
    randomRuns(100),
  ));
