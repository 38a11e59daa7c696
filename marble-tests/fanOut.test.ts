import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, of, range, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type Branch,
  createLedger,
  exponentialBackoff,
  fanOut,
  fixedSize,
  type Response,
  type RoutedOutcome,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** Waits of 3, 6, 12 … milliseconds. */
const RETRY = {
  backoff: exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' }),
  maxAttempts: 2,
} as const;

const LETTERS: Readonly<Record<string, string>> = {
  m: 'main',
  a: 'audit',
  x: 'main: retriesExhausted',
  q: 'audit: queueFull',
  u: 'audit: unconfirmed',
  s: 'audit: shutdown',
};

/** An outcome as text: its route, and the first reason of a loss. */
const told = map(({ route, lost: [loss] }: RoutedOutcome<unknown>) => (loss ? `${route}: ${loss.reason}` : route));

const PAIRS = { maxExportBatchSize: 2, minExportBatchSize: 1, scheduledDelayMillis: 4, strategy: fixedSize() } as const;

describe('fanOut', () => {
  test('exports each batch by each branch, and emits an outcome for each', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('fanOut', {
        title: 'fanOut: main answers after 2 ms, audit after 5, one outcome per batch and branch',
      });
      const source = hotBatches('-[ab]-----[c]-|');
      const subs = '             ^-------------!';
      const onMain = ['          -^-!', '    ----------^-!'];
      const onAudit = ['         -^----!', ' ----------^----!'];
      const expected = '         ---m--a-----m--(a|)';
      const main = sink('        --(r|)', { name: 'main' });
      const audit = sink('       -----(r|)', { name: 'audit' });
      expectObservable(source.pipe(fanOut({ main, audit }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(main).toBe(onMain, ['ab', 'c']);
      expectAttempts(audit).toBe(onAudit, ['ab', 'c']);
    }));

  test('gives a branch without a filter the very items, and one with a filter batches of its own', () =>
    marbles(({ hot, sink, expectSubscriptions, expectAttempts, expectObservable }) => {
      const source = hot('   ab----cd---|');
      const subs = '         ^----------!';
      const onMain = ['      -^!', '   -------^!'];
      const onFew = ['       ---^!', ' ---------^!'];
      const expected = '     --m-a---m-a|';
      const main = sink('    -(r|)');
      const few = sink('     -(r|)');
      const filter = ({ name }: ReadableSpan) => name !== 'c' && name !== 'a';
      const batching = { scheduledDelayMillis: 2, strategy: fixedSize() };
      const audit: Branch<ReadableSpan> = { sink: few, filter, batching };
      const batches: object[] = [];
      const branches = { main, audit };
      const result = source.pipe(
        adaptiveBatch(PAIRS),
        map((batch) => {
          batches.push(batch.items);
          return batch;
        }),
        fanOut<ReadableSpan>(branches),
        told,
      );
      expectObservable(result).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(main).toBe(onMain, ['ab', 'cd']);
      expectAttempts(few).toBe(onFew, ['b', 'd']);
      return () => expect(main.exported.map(({ items }) => items)).toEqual(batches);
    }));

  test('a dead branch slows no other, and loses what its own queue cannot hold', async () => {
    const ledger = createLedger();
    await marbles(({ hot, sink, expectSubscriptions, expectAttempts, expectObservable }) => {
      const source = hot('   ab-cd-ef-gh----');
      const subs = '         ^-------------!';
      const onMain = ['      -^!', '   ----^!', '-------^!', '----------^!'];
      const onAudit = ['     -^------------!'];
      const expected = '     --m--m--m-qm---';
      const unsub = '        ^-------------!';
      const main = sink('    -(r|)');
      const audit = sink('   -');
      const dead = { sink: audit, maxQueueSize: 4, maxUnsettledBatches: 1 };
      const batches = adaptiveBatch<ReadableSpan>({ ...PAIRS, maxUnsettledBatches: 1, ledger });
      expectObservable(source.pipe(batches, fanOut({ main, audit: dead }, { ledger }), told), unsub).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(main).toBe(onMain, ['ab', 'cd', 'ef', 'gh']);
      expectAttempts(audit).toBe(onAudit, ['ab']);
    });
    expect(ledger.stats().routes).toMatchObject({
      main: { delivered: 8, pending: 0 },
      audit: { delivered: 0, lost: { queueFull: 2, unsubscribed: 4, unconfirmed: 2 }, pending: 0 },
    });
    expect(ledger.stats()).toMatchObject({ delivered: 0, lost: { queueFull: 2, unsubscribed: 4, unconfirmed: 2 } });
  });

  test('with dropOldest the batch that comes is kept', () =>
    marbles(({ hotBatches, sink, expectSubscriptions, expectAttempts, expectObservable }) => {
      const source = hotBatches('[a]--[b]--[c]--[d]---|');
      const subs = '             ^--------------------!';
      const onAudit = ['         ^-------------------!', '--------------------^-!'];
      const expected = '         m----m----(qm)-(qm)-a-(a|)';
      const main = sink('        (r|)');
      const audit = sink('       --------------------(r|)', '--(r|)');
      const slow = { sink: audit, maxQueueSize: 1, overflow: 'dropOldest', concurrency: 1 } as const;
      expectObservable(source.pipe(fanOut({ main, audit: slow }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(audit).toBe(onAudit, ['a', 'd']);
    }));
});

describe('fanOut: when a batch is done', () => {
  /** A batch of these letters, and what is said to its maker. */
  function held(items: string[]) {
    const settled: unknown[] = [];
    const ready: true[] = [];
    const hold = () => ({
      ready: () => void ready.push(true),
      settle: (tally: unknown) => void settled.push(tally),
    });
    return { batch: { items, bytes: 10, closedBy: 'count' as const, hold }, settled, ready };
  }

  /** A sink that answers when it is told to. */
  function waiting(name: string) {
    const answers = new Subject<Response>();
    const sink: Sink<string> = { name, export: () => answers };
    return { sink, answer: (response: Response) => answers.next(response), fail: () => answers.error('no') };
  }

  test('at once it is ready for the next one, and it ends with the last required branch', () => {
    const [main, audit] = [waiting('main'), waiting('audit')];
    const { batch, settled, ready } = held(['a', 'b']);
    of(batch)
      .pipe(fanOut({ main: main.sink, audit: { sink: audit.sink } }))
      .subscribe();
    expect(ready).toEqual([true]);
    main.answer({});
    expect(settled).toEqual([]);
    audit.answer({ rejected: 1 });
    expect(settled).toMatchObject([{ delivered: 1, rejected: 1, lost: [] }]);
  });

  test('a best-effort branch is not waited for, and says nothing', () => {
    const [main, audit] = [waiting('main'), waiting('audit')];
    const { batch, settled } = held(['a', 'b']);
    of(batch)
      .pipe(fanOut({ main: main.sink, audit: { sink: audit.sink, required: false } }))
      .subscribe();
    main.answer({});
    expect(settled).toMatchObject([{ delivered: 2 }]);
    audit.answer({ rejected: 2 });
    expect(settled).toHaveLength(1);
  });

  test('what a filter leaves out is the business of the others', () => {
    const [main, audit] = [waiting('main'), waiting('audit')];
    const { batch, settled } = held(['a', 'b', 'c', 'd']);
    const filter = (letter: string) => letter === 'b';
    const few = { sink: audit.sink, filter, retry: { maxAttempts: 1 } };
    of(batch)
      .pipe(fanOut({ main: main.sink, few }))
      .subscribe();
    main.answer({});
    audit.fail();
    expect(settled).toMatchObject([{ delivered: 3, lost: [{ count: 1, reason: 'retriesExhausted' }] }]);
  });

  test('what no required branch wants counts as removed', () => {
    const [main, audit] = [waiting('main'), waiting('audit')];
    const { batch, settled } = held(['a', 'b', 'c', 'd']);
    const few = { sink: main.sink, filter: (letter: string) => letter !== 'b' };
    of(batch)
      .pipe(fanOut({ few, audit: { sink: audit.sink, required: false } }))
      .subscribe();
    main.answer({});
    expect(settled).toMatchObject([{ delivered: 3, rejected: 0, lost: [] }]);
  });

  test('a batch of which no required branch wants anything ends at once', () => {
    const { batch, settled } = held(['a']);
    const few = { sink: waiting('main').sink, filter: () => false };
    of(batch).pipe(fanOut({ few })).subscribe();
    expect(settled).toMatchObject([{ delivered: 0, rejected: 0, lost: [] }]);
  });
});

describe('fanOut: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-');
      const subs = '              ^----!';
      const expected = '          ------';
      expectObservable(source.pipe(fanOut({ main: sink('(r|)'), audit: sink('(r|)') })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('--|');
      const subs = '              ^-!';
      const expected = '          --|';
      expectObservable(source.pipe(fanOut({ main: sink('(r|)'), audit: sink('(r|)') }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: completes when the last outcome of the last branch is there', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-[a]|');
      const subs = '              ^---!';
      const expected = '          --m----(a|)';
      const branches = { main: sink('-(r|)'), audit: sink('------(r|)') };
      expectObservable(source.pipe(fanOut(branches), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: each branch keeps to its own concurrency', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const onAudit = ['          ^---!', ' ----^---!'];
      const expected = '          (mm)a---(a|)';
      const audit = sink('        ----(r|)');
      const branches = { main: sink('(r|)'), audit: { sink: audit, concurrency: 1 } };
      expectObservable(source.pipe(fanOut(branches), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(audit).toBe(onAudit, ['a', 'b']);
    }));

  test('error: that of the source comes after the outcomes of all branches', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-[a]#');
      const subs = '              ^---!';
      const expected = '          --m----(a#)';
      const branches = { main: sink('-(r|)'), audit: sink('------(r|)') };
      expectObservable(source.pipe(fanOut(branches), told)).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: aborts the attempts of all branches, and settles everything', async () => {
    const ledger = createLedger();
    await marbles(({ hot, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hot('     ab--cd---');
      const subs = '           ^-----!  ';
      const onMain = ['        -^----!  '];
      const onAudit = ['       -^----!  '];
      const expected = '       -------  ';
      const [main, audit] = [sink('-'), sink('-')];
      const one = { concurrency: 1, maxUnsettledBatches: 1 };
      const few: Branch<ReadableSpan> = { sink: sink('-'), batching: { scheduledDelayMillis: 100 } };
      const fanned = fanOut<ReadableSpan>({ main, audit: { sink: audit, required: false }, few }, { ...one, ledger });
      expectObservable(source.pipe(adaptiveBatch({ ...PAIRS, ledger }), fanned), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(main).toBe(onMain, ['ab']);
      expectAttempts(audit).toBe(onAudit, ['ab']);
    });
    const sent = { lost: { unconfirmed: 2, unsubscribed: 2 }, pending: 0, between: 0 };
    const gathered = { lost: { unsubscribed: 4 }, pending: 0, between: 0 };
    expect(ledger.stats().routes).toMatchObject({ main: sent, audit: sent, few: gathered });
    expect(ledger.stats()).toMatchObject({ pending: 0, memoryBytes: 0, queueSize: 0 });
  });

  test('throwing callback: a filter that throws is counted, and the item goes; so is onLoss', async () => {
    const ledger = createLedger();
    await marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]---|');
      const subs = '              ^-----!';
      const expected = '          -----x(a|)';
      const audit = { sink: sink('(r|)'), filter: throwing };
      const main = { sink: sink('-#'), retry: RETRY, onLoss: throwing };
      expectObservable(source.pipe(fanOut({ main, audit }, { ledger }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats().callbackErrors).toBe(2);
  });

  test('throwing callback: a sink that throws is contained in its branch', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = '          a--(x|)';
      const main = { sink: { name: 'throwing', export: throwing }, retry: RETRY };
      expectObservable(source.pipe(fanOut({ main, audit: sink('(r|)') }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('synchronous re-entrancy: 10,000 batches on two sinks that answer at once', () => {
    const ledger = createLedger();
    const atOnce: Sink<number> = { name: 'at once', export: () => of({}) };
    let outcomes = 0;
    range(0, 10_000)
      .pipe(
        adaptiveBatch({ maxExportBatchSize: 1, minExportBatchSize: 1, ledger }),
        fanOut({ main: { sink: atOnce, concurrency: 1 }, audit: atOnce }, { ledger }),
      )
      .subscribe(() => (outcomes += 1));
    expect(outcomes).toBe(20_000);
    expect(ledger.stats()).toMatchObject({ accepted: 10_000, delivered: 10_000, pending: 0 });
  });

  test('synchronous re-entrancy: a backlog of 10,000 batches ends after the first answer', () => {
    const ledger = createLedger();
    const first = new Subject<Response>();
    let attempts = 0;
    const late: Sink<number> = { name: 'late', export: () => (attempts++ === 0 ? first : of({})) };
    const audit = { sink: late, concurrency: 1 };
    range(0, 10_000)
      .pipe(
        map((number) => [number]),
        fanOut({ audit }, { ledger }),
      )
      .subscribe();
    expect(ledger.stats()).toMatchObject({ pending: 10_000, inFlight: 1 });
    first.next({});
    expect(ledger.stats()).toMatchObject({ delivered: 10_000, pending: 0, inFlight: 0, memoryBytes: 0 });
  });
});
