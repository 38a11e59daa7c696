import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type Loss } from '../src/index.ts';
import { type GroupByTraceOptions, groupByTrace, type TraceGroup } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

/** The spans of each group, in one array. */
const groups = (options: GroupByTraceOptions = {}) => {
  const operator = groupByTrace(options);
  return (source: Parameters<typeof operator>[0]) => operator(source).pipe(map(({ spans }) => spans));
};

/** What was lost, as text: `unsubscribed ab`. */
function losses() {
  const lost: string[] = [];
  const onLoss = ({ reason, count }: Loss, items: readonly ReadableSpan[]) =>
    void lost.push(`${reason} ${count} ${items.map(({ name }) => name).join('')}`);
  return { lost, onLoss };
}

/** A span of a trace, by the first letter of its name. */
function named(name: string): ReadableSpan {
  const traceId = (name[0] ?? '').charCodeAt(0).toString(16).padStart(32, '0');
  return spanWith({ name, spanContext: () => ({ traceId, spanId: '0123456789abcdef', traceFlags: 1 }) });
}

const namesOf = ({ spans, closedBy }: TraceGroup) => `${spans.map(({ name }) => name).join(' ')}: ${closedBy}`;

describe('groupByTrace', () => {
  test('emits the spans of a trace together, a while after its first span', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions, diagram }) => {
      diagram('groupByTrace', { title: 'groupByTrace: c is of the trace of a, d of that of b; maxWaitMillis 6' });
      spans({ c: { trace: 'a' }, d: { trace: 'b' } });
      const source = cold(' a-c--b--d----e-|');
      const subs = '        ^--------------!';
      const expected = '    ------[ac]-[bd]([e]|)';
      expectBatches(source.pipe(groups({ maxWaitMillis: 6 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('idleMillis: a trace is closed a while after its last span', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions }) => {
      spans({ b: { trace: 'a' }, c: { trace: 'a' } });
      const source = cold(' a-b-c-----x-----|');
      const subs = '        ^---------------!';
      const expected = '    -------[abc]-[x]|';
      expectBatches(source.pipe(groups({ idleMillis: 3 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('idleMillis: an older trace to which spans come waits longer than a younger one to which none comes', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions }) => {
      spans({ c: { trace: 'a' } });
      const source = cold(' ab--c-------|');
      const subs = '        ^-----------!';
      const expected = '    -----[b][ac]|';
      expectBatches(source.pipe(groups({ idleMillis: 4 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('maxWaitMillis bounds a trace whose spans keep coming; what comes later is another group', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions }) => {
      spans({ b: { trace: 'a' }, c: { trace: 'a' }, d: { trace: 'a' } });
      const source = cold(' a--b--c--d-------|');
      const subs = '        ^----------------!';
      const expected = '    --------[abc][d]-|';
      expectBatches(source.pipe(groups({ idleMillis: 4, maxWaitMillis: 8 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('maxSpansPerTrace: a trace of so many spans is closed', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions }) => {
      spans({ b: { trace: 'a' }, c: { trace: 'a' } });
      const source = cold(' ab--c----|');
      const subs = '        ^--------!';
      const expected = '    -[ab]----([c]|)';
      expectBatches(source.pipe(groups({ maxSpansPerTrace: 2 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('maxTraces: where one more has no room, the oldest is closed, and nothing is lost', async () => {
    const ledger = createLedger();
    await marbles(({ cold, expectBatches, expectSubscriptions, expectLedger }) => {
      const source = cold(' abc-----|');
      const subs = '        ^-------!';
      const expected = '    --[a]---([b][c]|)';
      expectBatches(source.pipe(groups({ maxTraces: 2, ledger }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 3, handedOn: 3 });
    });
    expect(ledger.stats().stages.groupByTrace?.figures).toEqual({ evicted: 1 });
  });

  test('no timer runs while nothing is held, and processHold says whether one keeps the process alive', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' a--------b-----|');
      const subs = '        ^--------------!';
      const expected = '    --[a]------[b]-|';
      expectBatches(source.pipe(groups({ maxWaitMillis: 2, processHold: 'never' }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('groupByTrace: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectBatches(source.pipe(groups()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectBatches(source.pipe(groups())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is a group when the source has completed', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' a-|');
      const subs = '        ^-!';
      const expected = '    --([a]|)';
      expectBatches(source.pipe(groups())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: traces that are interleaved come in the order of their first spans', () =>
    marbles(({ cold, spans, expectBatches, expectSubscriptions }) => {
      spans({ c: { trace: 'a' }, d: { trace: 'b' } });
      const source = cold(' abcde|');
      const subs = '        ^----!';
      const expected = '    -----([ac][bd][e]|)';
      expectBatches(source.pipe(groups())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: the groups come first', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' ab#');
      const subs = '        ^-!';
      const expected = '    --([a][b]#)';
      expectBatches(source.pipe(groups())).toBe(expected, { error: 'error' });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: what was held is reported as lost', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  ab----');
      const subs = '        ^---!';
      const expected = '    -----';
      expectBatches(source.pipe(groups({ onLoss })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed 2 ab']);
  });

  test('throwing callback: each exception is reported, and the span is held all the same', async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' ab-|');
      const subs = '        ^--!';
      const expected = '    ---([a][b]|)';
      expectBatches(source.pipe(groups({ sizeOf: throwing, onLoss: throwing, onCallbackError }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: a span that comes during an emission is held behind it', () => {
    const source = new Subject<ReadableSpan>();
    const log: string[] = [];
    source.pipe(groupByTrace({ maxSpansPerTrace: 2 })).subscribe({
      next: (group) => {
        log.push(`<${namesOf(group)}`);
        if (group.traceId.endsWith('61')) for (const name of ['b1', 'b2', 'c1']) source.next(named(name));
        if (group.traceId.endsWith('62')) source.complete();
        log.push('>');
      },
      complete: () => log.push('|'),
    });
    for (const name of ['a1', 'a2']) source.next(named(name));
    expect(log).toEqual(['<a1 a2: spans', '>', '<b1 b2: spans', '>', '<c1: complete', '>', '|']);
  });
});

describe('groupByTrace: slices', () => {
  test('traces that are due at the same time are closed in slices, so that other work comes between', () =>
    marbles(async ({ advanceBy }) => {
      const source = new Subject<ReadableSpan>();
      const log: string[] = [];
      const options = { maxWaitMillis: 5, processHold: 'never' } as const;
      const subscription = source.pipe(groupByTrace(options)).subscribe(({ spans }) => {
        if (log.length === 0) setTimeout(() => log.push('other work'));
        log.push(`${spans.length}`);
      });
      for (const trace of ['a', 'b', 'c']) for (let span = 0; span < 400; span += 1) source.next(named(trace));
      await advanceBy(6);
      expect(log).toEqual(['400', '400', 'other work', '400']);
      subscription.unsubscribe();
    }));
});

describe('groupByTrace: bounds', () => {
  function collected(options: GroupByTraceOptions, names: readonly string[]) {
    const source = new Subject<ReadableSpan>();
    const ledger = createLedger();
    const seen: string[] = [];
    source.pipe(groupByTrace({ ...options, ledger })).subscribe((group) => seen.push(namesOf(group)));
    for (const name of names) source.next(named(name));
    const { figures, pending, refused } = ledger.stats().stages.groupByTrace ?? {};
    source.complete();
    return { seen, figures, pending, refused };
  }

  test('maxSpans: the oldest trace goes, also if it is the one of the span', () => {
    expect(collected({ maxSpans: 2 }, ['a1', 'b1', 'b2'])).toMatchObject({
      seen: ['a1: evicted', 'b1 b2: complete'],
      pending: 2,
      figures: { evicted: 1 },
    });
    expect(collected({ maxSpans: 2 }, ['a1', 'a2', 'a3']).seen).toEqual(['a1 a2: evicted', 'a3: complete']);
  });

  test('maxBytes: as many go as there has to be room for, and what is larger by itself is refused', () => {
    const sizeOf = ({ name }: ReadableSpan) => Number(name.slice(1));
    const { seen, refused } = collected({ maxBytes: 10, sizeOf }, ['a4', 'b4', 'c9', 'd11', 'c1']);
    expect(seen).toEqual(['a4: evicted', 'b4: evicted', 'c9 c1: complete']);
    expect(refused).toEqual({ tooLarge: 1 });
  });

  test('a span without a context is refused', () => {
    const source = new Subject<ReadableSpan>();
    const { lost, onLoss } = losses();
    source.pipe(groupByTrace({ onLoss })).subscribe();
    source.next({ ...named('a'), spanContext: throwing });
    expect(lost).toEqual(['unencodable 1 a']);
  });

  test('what a consumer feeds back during one emission is bounded', () => {
    const source = new Subject<ReadableSpan>();
    const { lost, onLoss } = losses();
    source.pipe(groupByTrace({ maxSpans: 2, maxSpansPerTrace: 1, onLoss }), take(4)).subscribe(({ spans }) => {
      if (spans[0]?.name === 'a') for (const name of ['b', 'c', 'd']) source.next(named(name));
    });
    source.next(named('a'));
    expect(lost).toEqual(['queueFull 1 d']);
  });
});
