import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type Loss } from '../src/index.ts';
import { type SamplingPolicy, type TailSampleOptions, tailSample } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

const ERRORS: SamplingPolicy = { kind: 'errors' };
const ALWAYS: SamplingPolicy = { kind: 'probabilistic', ratio: 1 };
const errors = (options: Omit<TailSampleOptions, 'policies'> = {}) => tailSample({ policies: [ERRORS], ...options });

/** What was lost, as text: `unsubscribed ab`. */
function losses() {
  const lost: string[] = [];
  const onLoss = ({ reason }: Loss, items: readonly ReadableSpan[]) =>
    void lost.push(`${reason} ${items.map(({ name }) => name).join('')}`);
  return { lost, onLoss };
}

/** A span of a trace, by the first letter of its name; `!` at its end: it has failed. */
function named(name: string, ot?: string): ReadableSpan {
  const traceId = (name[0] ?? '').charCodeAt(0).toString(16).padStart(32, '0');
  const traceState = { get: () => ot, set: () => traceState, unset: () => traceState, serialize: () => `ot=${ot}` };
  const context = { traceId, spanId: '0123456789abcdef', traceFlags: 1, ...(ot !== undefined && { traceState }) };
  return spanWith({ name, status: { code: name.endsWith('!') ? 2 : 0 }, spanContext: () => context });
}

describe('tailSample', () => {
  test('keeps the traces in which a span has failed, and lets late spans follow', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger, diagram }) => {
      const title = 'tailSample: a, c and e are one trace, in which c has failed; b and d are another; maxWaitMillis 6';
      diagram('tailSample', { title });
      spans({ c: { trace: 'a', status: 'error' }, d: { trace: 'b' }, e: { trace: 'a' } });
      const source = cold(' ab-c--------de-|');
      const subs = '        ^--------------!';
      const expected = '    ------(ac)---e-|';
      expectObservable(source.pipe(errors({ maxWaitMillis: 6, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 5, handedOn: 3, removed: 2 });
    });
    expect(ledger.stats().stages.tailSample?.figures).toEqual({ 'kept.errors': 3, 'late.dropped': 1, 'late.kept': 1 });
  });

  test('decides when a trace is idle, and when it has maxSpansPerTrace spans', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ a: { status: 'error' }, b: { status: 'error' }, c: { trace: 'b' } });
      const source = cold(' a---bc-----|');
      const subs = '        ^----------!';
      const expected = '    --a--(bc)--|';
      expectObservable(source.pipe(errors({ idleMillis: 2, maxSpansPerTrace: 2 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('where there is no room, the oldest trace is decided early, with what has come of it', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger }) => {
      spans({ a: { status: 'error' }, d: { trace: 'b', status: 'error' } });
      const source = cold(' abcd|');
      const subs = '        ^---!';
      const expected = '    -a--|';
      expectObservable(source.pipe(errors({ maxTraces: 1, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      // b was decided when c came, so its error comes too late.
      expectLedger(ledger, { accepted: 4, handedOn: 1, removed: 3 });
    });
    expect(ledger.stats().stages.tailSample?.figures).toEqual({ evicted: 2, 'kept.errors': 1, 'late.dropped': 1 });
  });

  test('where the trace of the span itself has to go, the span follows what is decided about it', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ a: { status: 'error' }, b: { trace: 'a' } });
      const source = cold(' ab---|');
      const subs = '        ^----!';
      const expected = '    -(ab)|';
      expectObservable(source.pipe(errors({ maxSpans: 1 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a late span follows a decision that is remembered, and is a trace of its own where it is forgotten', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ a: { status: 'error' }, c: { trace: 'a' } });
      const source = cold(' ab-c--|');
      const subs = '        ^-----!';
      const remembered = '  -a-c--|';
      const forgotten = '   -a----|';
      expectObservable(source.pipe(errors({ maxWaitMillis: 1, maxDecisions: 2 }))).toBe(remembered);
      expectObservable(source.pipe(errors({ maxWaitMillis: 1, maxDecisions: 1 }))).toBe(forgotten);
      expectSubscriptions(source.subscriptions).toBe([subs, subs]);
    }));
});

describe('tailSample: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(errors()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(errors())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is decided when the source has completed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-|');
      const subs = '        ^-!';
      const expected = '    --(a|)';
      expectObservable(source.pipe(tailSample({ policies: [ALWAYS] }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: traces come in the order in which they are decided, spans in that of the source', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ c: { trace: 'a' }, d: { trace: 'b' } });
      const source = cold(' abcde|');
      const subs = '        ^----!';
      const expected = '    -----(acbde|)';
      expectObservable(source.pipe(tailSample({ policies: [ALWAYS] }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: what is kept comes first', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ b: { status: 'error' } });
      const source = cold(' ab#');
      const subs = '        ^-!';
      const expected = '    --(b#)';
      expectObservable(source.pipe(errors())).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: what was held is reported as lost', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  ab----');
      const subs = '        ^---!';
      const expected = '    -----';
      expectObservable(source.pipe(errors({ onLoss })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed ab']);
  });

  test('throwing callback: each exception is reported, and the trace is decided all the same', async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      spans({ b: { status: 'error' } });
      const source = cold(' ab-|');
      const subs = '        ^--!';
      const expected = '    ---(b|)';
      expectObservable(source.pipe(errors({ sizeOf: throwing, onLoss: throwing, onCallbackError }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: a late span that comes during an emission goes out behind the rest of its trace', () => {
    const source = new Subject<ReadableSpan>();
    const log: string[] = [];
    source.pipe(errors({ maxSpansPerTrace: 2 })).subscribe({
      next: ({ name }) => {
        log.push(`<${name}`);
        if (name === 'a1') source.next(named('a3'));
        if (name === 'a3') source.complete();
        log.push('>');
      },
      complete: () => log.push('|'),
    });
    for (const name of ['a1', 'a2!']) source.next(named(name));
    expect(log).toEqual(['<a1', '>', '<a2!', '>', '<a3', '>', '|']);
  });
});

describe('tailSample: thresholds', () => {
  const HALF: SamplingPolicy = { kind: 'probabilistic', ratio: 0.5 };

  /** What is kept, with the `tracestate` that it has then. */
  function sampled(policies: readonly SamplingPolicy[], spans: readonly ReadableSpan[]) {
    const source = new Subject<ReadableSpan>();
    const kept: ReadableSpan[] = [];
    source.pipe(tailSample({ policies, maxSpansPerTrace: 1 })).subscribe((span) => kept.push(span));
    for (const span of spans) source.next(span);
    source.complete();
    return kept;
  }
  const statesOf = (spans: readonly ReadableSpan[]) => spans.map((span) => span.spanContext().traceState?.serialize());
  const withId = (traceId: string) => {
    const context = { traceId, spanId: '0123456789abcdef', traceFlags: 1 };
    return spanWith({ spanContext: () => context, attributes: { a: 1 } });
  };
  const [LOW, HIGH] = ['0'.repeat(18).padEnd(32, '7'), '0'.repeat(18).padEnd(32, '8')];

  test('a span that was kept by chance carries the threshold, and the original does not', () => {
    const [low, high] = [withId(LOW), withId(HIGH)];
    const kept = sampled([HALF], [low, high, high]);
    expect(statesOf(kept)).toEqual(['ot=th:8', 'ot=th:8']); // the second one is late
    expect(high.spanContext()).toEqual({ traceId: HIGH, spanId: '0123456789abcdef', traceFlags: 1 });
    const [first] = kept;
    expect(first?.spanContext()).toMatchObject({ traceId: HIGH, spanId: '0123456789abcdef', traceFlags: 1 });
    expect(first?.attributes).toBe(high.attributes);
    expect(first?.resource).toBe(high.resource);
  });

  test('other members and fields of the tracestate stay', () => {
    const [kept] = sampled([HALF], [named('x', 'p:8;rv:90000000000000')]);
    const state = kept?.spanContext().traceState;
    expect(kept?.name).toBe('x');
    expect(state).toBeDefined();
    const fresh = sampled([HALF], [withId(HIGH)])[0]
      ?.spanContext()
      .traceState?.set('vendor', '1');
    expect(fresh?.serialize()).toBe('vendor=1,ot=th:8');
    expect(fresh?.unset('ot').serialize()).toBe('vendor=1');
    expect([fresh?.get('ot'), fresh?.get('none')]).toEqual(['th:8', undefined]);
  });

  test('what a policy without chance has kept is the very span that came', () => {
    const span = named('a!', 'th:4;rv:90000000000000');
    expect(sampled([ERRORS, HALF], [span])[0]).toBe(span);
  });

  test('what a rate has kept loses an earlier threshold', () => {
    const rate: SamplingPolicy = { kind: 'rateLimited', tracesPerSecond: 1 };
    const plain = withId(HIGH);
    expect(sampled([rate], [plain])[0]).toBe(plain);
    const unset: string[] = [];
    const traceState = {
      get: () => 'th:8',
      set: throwing,
      unset: (key: string) => {
        unset.push(key);
        return traceState;
      },
      serialize: () => '',
    };
    const context = { traceId: HIGH, spanId: '0123456789abcdef', traceFlags: 1, traceState };
    sampled([rate], [spanWith({ spanContext: () => context })]);
    expect(unset).toEqual(['ot']);
  });

  test('a trace that cannot be read is kept', () => {
    const ledger = createLedger();
    const source = new Subject<ReadableSpan>();
    const seen: ReadableSpan[] = [];
    source.pipe(tailSample({ policies: [ERRORS], ledger })).subscribe((span) => seen.push(span));
    const broken = Object.defineProperty({ ...named('a') }, 'status', { get: throwing });
    source.next(broken);
    source.complete();
    expect(seen).toEqual([broken]);
    expect(ledger.stats()).toMatchObject({ callbackErrors: 1, handedOn: 1 });
    expect(ledger.stats().stages.tailSample?.figures).toEqual({ 'kept.undecided': 1 });
  });
});

describe('tailSample: options', () => {
  const cases: readonly [policy: unknown, message: RegExp][] = [
    [[], /tailSample\.policies must be an array of one or more policies, but was given/],
    [[null], /tailSample\.policies\[0\] must be a policy/],
    [[{ kind: 'error' }], /tailSample\.policies\[0\]\.kind must be one of 'errors', 'slow'/],
    [[{ kind: 'slow' }], /tailSample\.policies\[0\]\.overMillis must be a number from 0/],
    [
      [{ kind: 'slow', overMillis: 1, off: 1 }],
      /tailSample\.policies\[0\]\.off must be one of the known options; did you mean 'of'/,
    ],
    [[{ kind: 'probabilistic', ratio: 0 }], /tailSample\.policies\[0\]\.ratio must be a number from/],
    [
      [{ kind: 'rateLimited' }],
      /tailSample\.policies\[0\] must be given tracesPerSecond or spansPerSecond, one of both/,
    ],
    [[{ kind: 'rateLimited', spansPerSecond: 0 }], /spansPerSecond must be a number above 0/],
    [
      [{ kind: 'all', policies: [{ kind: 'attribute' }] }],
      /tailSample\.policies\[0\]\.policies\[0\]\.key must be a string/,
    ],
    [[{ kind: 'not', policy: 3 }], /tailSample\.policies\[0\]\.policy must be a policy/],
    [
      [
        {
          kind: 'shares',
          tracesPerSecond: 1,
          shares: [
            { policy: ERRORS, ratio: 0.6 },
            { policy: ERRORS, ratio: 0.6 },
          ],
        },
      ],
      /shares must be shares whose ratios add up to 1 or less, but was given 1\.2/,
    ],
    [[{ kind: 'attribute', key: 'a', pattern: 'b' }], /pattern must be a regular expression/],
  ];
  test.each(cases)('%j is refused', (policies, message) => {
    expect(() => tailSample({ policies: policies as SamplingPolicy[] })).toThrow(message);
  });

  test('a circle of policies is refused', () => {
    const circle = { kind: 'not' } as { kind: 'not'; policy: SamplingPolicy };
    circle.policy = circle;
    expect(() => tailSample({ policies: [circle] })).toThrow(/no policy deeper than 16/);
  });
});
