import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type OperatorFunction, Subject, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { groupByTrace, tailSample } from '../../src/processors/index.ts';
import { iterationsOver } from '../support/iterations.ts';
import { spanWith } from '../support/spans.ts';

const HOUR = 3_600_000;
const MANY = 1_000;
const MOST = MANY / 2; // a map with so many elements is one that grows with the traces

/** A failed span of the trace with this number. */
function spanOf(trace: number): ReadableSpan {
  const context = { traceId: trace.toString(16).padStart(32, '0'), spanId: '0123456789abcdef', traceFlags: 1 };
  return spanWith({ name: `${trace}`, status: { code: 2 }, spanContext: () => context });
}

/** An operator that holds so many traces of one span each. */
function holding<R>(operator: OperatorFunction<ReadableSpan, R>) {
  const source = new Subject<ReadableSpan>();
  let emitted = 0;
  const count = () => {
    emitted += 1;
  };
  source.pipe(operator).subscribe(count);
  const give = (from: number, upTo: number) => {
    for (let trace = from; trace < upTo; trace += 1) source.next(spanOf(trace));
  };
  give(0, MANY);
  return { source, give, emitted: () => emitted };
}

describe('no span costs more because many traces are held:', () => {
  const options = { maxTraces: MANY, maxWaitMillis: HOUR };
  const sample = tailSample({ policies: [{ kind: 'errors' }], maxDecisions: MANY, ...options });

  test.each([
    ['tailSample', sample],
    ['groupByTrace', groupByTrace(options)],
    ['groupByTrace with idleMillis', groupByTrace({ ...options, idleMillis: HOUR })],
  ] as const)('%s looks for no trace by going over the others', (_, operator) => {
    const { source, give, emitted } = holding<unknown>(operator as OperatorFunction<ReadableSpan, unknown>);
    const iterations = iterationsOver(MOST);
    give(0, MANY); // more of traces that are held
    give(MANY, 4 * MANY); // each makes the oldest one leave, and beyond so many decisions an old one is forgotten
    source.complete();
    expect(emitted()).toBeGreaterThanOrEqual(4 * MANY);
    expect(iterations()).toBe(0);
  });

  test('a flush does not, either', () => {
    const flushWhen = new Subject<unknown>();
    const scheduler = new VirtualTimeScheduler();
    const { emitted } = holding(groupByTrace({ maxWaitMillis: HOUR, idleMillis: HOUR, flushWhen, scheduler }));
    const iterations = iterationsOver(MOST);
    let answers = 0;
    flushWhen.next({ hold: () => ({ settle: () => (answers += 1) }) });
    scheduler.flush();
    expect({ emitted: emitted(), answers, iterations: iterations() }).toEqual({
      emitted: MANY,
      answers: 1,
      iterations: 0,
    });
  });
});

describe('a flush leaves other work its turns:', () => {
  /** A scheduler whose clock goes on by so much each time when it is read. */
  class ReadClock extends VirtualTimeScheduler {
    #millis = 0;

    constructor(stepMillis: number) {
      super();
      this.now = () => (this.#millis += stepMillis);
    }
  }

  test.each([
    ['so many spans', 0, 500],
    ['so much time', 0.125, 4],
  ])('after %s, what is left waits for the next one', (_, stepMillis, most) => {
    const flushWhen = new Subject<unknown>();
    const scheduler = new ReadClock(stepMillis);
    const { emitted } = holding(groupByTrace({ maxWaitMillis: HOUR, flushWhen, scheduler }));
    const slices: number[] = [];
    const request = { hold: () => ({ settle: () => slices.push(Number.NaN) }) };
    let before = 0;
    const slice = () => {
      slices.push(emitted() - before);
      before = emitted();
    };
    flushWhen.next(request);
    slice();
    for (let next = scheduler.actions.shift(); next !== undefined; next = scheduler.actions.shift()) {
      next.execute(next.state, next.delay);
      slice();
    }
    expect(emitted()).toBe(MANY);
    expect(slices.filter((count) => count > most)).toEqual([]);
    expect(slices.filter(Number.isNaN)).toHaveLength(1);
  });
});
