import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { from, map, merge, Observable, of, range, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  fixedSize,
  type Loss,
  type Outcome,
  type Response,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** Waits of 3, 6, 12 … milliseconds. */
const RETRY = {
  backoff: exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' }),
  maxAttempts: 2,
} as const;

/** An outcome as a letter. */
const LETTERS: Readonly<Record<string, string>> = {
  o: 'delivered',
  x: 'retriesExhausted',
  e: 'expired',
  p: 'permanent',
  l: 'tooLarge',
  u: 'unconfirmed',
  n: 'unencodable',
  q: 'queueFull',
  s: 'shutdown',
};

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

describe('exportTo', () => {
  test('emits one outcome per batch', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('exportTo', { title: 'exportTo: the sink answers after 2 ms, one outcome per batch' });
      const source = hotBatches('--[ab]----[c]-|');
      const subs = '             ^-------------!';
      const attempts = ['        --^-!', '   ----------^-!'];
      const expected = '         ----o-------o-|';
      const backend = sink('       --(r|)');
      expectObservable(source.pipe(exportTo(backend), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['ab', 'c']);
    }));

  test('a sink that returns a promise is called again for each attempt', () =>
    marbles(({ coldBatches, expectObservable, expectSubscriptions }) => {
      let attempts = 0;
      const post = async (): Promise<Response> => {
        attempts += 1;
        if (attempts === 1) throw new Error('busy');
        return {};
      };
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = '          ---(o|)';
      const outcomes = source.pipe(exportTo({ name: 'promising', export: () => from(post()) }, { retry: RETRY }), told);
      expectObservable(outcomes).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('an attempt whose sink completes without an answer has an unknown outcome', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = '          -----(u|)';
      expectObservable(source.pipe(exportTo(sink('-|'), { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('after 400,000 items through batches and export nothing is pending', () => {
    const ledger = createLedger();
    const held: (() => void)[] = [];
    const later = (): Observable<Response> => {
      const answer = new Subject<Response>();
      held.push(() => answer.next({}));
      return answer;
    };
    range(0, 400_000)
      .pipe(
        adaptiveBatch({ maxQueueSize: 400_000, ledger }),
        exportTo({ name: 'later', export: later }, { concurrency: 1, ledger }),
      )
      .subscribe();
    expect(ledger.stats().pending).toBe(400_000);
    while (held.length > 0) held.pop()?.();
    expect(ledger.stats()).toMatchObject({ delivered: 400_000, pending: 0, queueSize: 0 });
  });
});

describe('exportTo: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-');
      const subs = '              ^----!';
      const expected = '          ------';
      expectObservable(source.pipe(exportTo(sink('(r|)'))), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('--|');
      const subs = '              ^-!';
      const expected = '          --|';
      expectObservable(source.pipe(exportTo(sink('(r|)')))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: completes when the last outcome is there', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-[a]|');
      const subs = '              ^---!';
      const expected = '          -------(o|)';
      expectObservable(source.pipe(exportTo(sink('------(r|)')), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: no more at once than the concurrency, in the order in which they came', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b][c]|)');
      const subs = '              (^!)';
      const attempts = ['         ^---!', ' ^---!', ' ----^---!'];
      const expected = '          ----(oo)(o|)';
      const backend = sink('----(r|)');
      expectObservable(source.pipe(exportTo(backend, { concurrency: 2 }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c']);
    }));

  test('error: that of the source comes after the outcomes', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('-[a]#');
      const subs = '              ^---!';
      const expected = '          -------(o#)';
      expectObservable(source.pipe(exportTo(sink('------(r|)')), told)).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: starts nothing more, aborts, and settles the batches that it held', async () => {
    const lost: Loss[] = [];
    const ledger = createLedger();
    await marbles(({ hot, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hot('     ab--cd---');
      const subs = '           ^-----!  ';
      const attempts = ['      -^----!  '];
      const expected = '       -------  ';
      const backend = sink('-');
      const onLoss = (loss: Loss) => void lost.push(loss);
      const twos = adaptiveBatch<ReadableSpan>({
        maxExportBatchSize: 2,
        minExportBatchSize: 1,
        strategy: fixedSize(),
        ledger,
      });
      const one = exportTo(backend, { concurrency: 1, ledger, onLoss });
      expectObservable(source.pipe(twos, one), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['ab']);
    });
    expect(lost).toEqual([{ count: 2, reason: 'unconfirmed', stage: 'exportTo(scripted)' }]);
    // The first batch was sent; the second was still in the queue.
    expect(ledger.stats()).toMatchObject({ lost: { unconfirmed: 2, unsubscribed: 2 }, pending: 0 });
  });

  test('throwing callback: each exception is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]---[b]--|');
      const subs = '              ^----------!';
      const expected = '          -----x------(p|)';
      const backend = sink('-#', '-#', '------p');
      const options = { retry: RETRY, ledger, onLoss: throwing, onRetry: throwing, random: throwing };
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats().callbackErrors).toBe(3);
  });

  test('throwing callback: a sink that throws is a failed attempt', () =>
    marbles(({ coldBatches, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = '          ---(x|)';
      const outcomes = source.pipe(exportTo({ name: 'throwing', export: throwing }, { retry: RETRY }), told);
      expectObservable(outcomes).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test.each([1, 4])(
    'synchronous re-entrancy: 20,000 batches on a sink that answers at once, %i at a time',
    (concurrency) => {
      const ledger = createLedger();
      const atOnce: Sink<number> = { name: 'at once', export: () => of({}) };
      let outcomes = 0;
      range(0, 20_000)
        .pipe(
          adaptiveBatch({ maxExportBatchSize: 1, minExportBatchSize: 1, ledger }),
          exportTo(atOnce, { concurrency, ledger }),
        )
        .subscribe(() => (outcomes += 1));
      expect(outcomes).toBe(20_000);
      expect(ledger.stats()).toMatchObject({ accepted: 20_000, delivered: 20_000, pending: 0 });
    },
  );
});

describe('exportTo: sources that misbehave', () => {
  test('a source whose teardown throws does not prevent the abort, and batches are settled', () => {
    const ledger = createLedger();
    const losses: Loss[] = [];
    let aborts = 0;
    const source = new Observable<string[]>((subscriber) => {
      subscriber.next(['a']);
      return throwing;
    });
    const silent: Sink<string> = { name: 'silent', export: () => new Observable(() => () => (aborts += 1)) };
    const subscription = source.pipe(exportTo(silent, { ledger, onLoss: (loss) => losses.push(loss) })).subscribe();
    expect(() => subscription.unsubscribe()).toThrow('mine');
    expect(aborts).toBe(1);
    expect(losses).toEqual([{ count: 1, reason: 'unconfirmed', stage: 'exportTo(silent)' }]);
    expect(ledger.stats()).toMatchObject({ lost: { unconfirmed: 1 }, pending: 0 });
  });
});

describe('exportTo: each batch ends once', () => {
  const three = [['a'], ['b'], ['c']];
  const silent: Sink<string> = { name: 'silent', export: () => new Observable(() => {}) };

  test('when the subscriber unsubscribes at an outcome of a stop', () => {
    const ledger = createLedger();
    const stopWhen = new Subject<void>();
    const losses: Loss[] = [];
    const onLoss = (loss: Loss) => losses.push(loss);
    merge(of(...three), new Observable<never>(() => {}))
      .pipe(exportTo(silent, { ledger, stopWhen, onLoss }), take(1))
      .subscribe();
    stopWhen.next();
    expect(losses).toHaveLength(3);
    expect(ledger.stats()).toMatchObject({ accepted: 3, lost: { unconfirmed: 3 }, pending: 0 });
  });

  test('when the abort of one attempt makes the sink answer the others', () => {
    const ledger = createLedger();
    const answers = new Set<(response: Response) => void>();
    const gossiping: Sink<string> = {
      name: 'gossiping',
      export: () =>
        new Observable((subscriber) => {
          const answer = (response: Response) => subscriber.next(response);
          answers.add(answer);
          return () => {
            answers.delete(answer);
            for (const other of answers) other({});
          };
        }),
    };
    merge(of(...three), new Observable<never>(() => {}))
      .pipe(exportTo(gossiping, { ledger }))
      .subscribe()
      .unsubscribe();
    const { delivered, lost, pending } = ledger.stats();
    expect([delivered + (lost.unconfirmed ?? 0), pending]).toEqual([3, 0]);
  });

  test.each([1, 4])(
    'when a backlog of 20,000 batches ends synchronously after the first slot is free, %i at a time',
    (concurrency) => {
      const ledger = createLedger();
      const first = new Subject<Response>();
      let attempts = 0;
      const sink: Sink<number> = { name: 'late', export: () => (attempts++ < concurrency ? first : of({})) };
      let outcomes = 0;
      range(0, 20_000)
        .pipe(
          map((number) => [number]),
          exportTo(sink, { concurrency, ledger }),
        )
        .subscribe(() => (outcomes += 1));
      expect(ledger.stats()).toMatchObject({ pending: 20_000, inFlight: concurrency });
      first.next({});
      expect(outcomes).toBe(20_000);
      expect(ledger.stats()).toMatchObject({ delivered: 20_000, pending: 0, inFlight: 0 });
    },
  );

  test('undefined is an answer', () => {
    const outcomes: Outcome<string>[] = [];
    const sink = { name: 'loose', export: () => of(undefined) } as unknown as Sink<string>;
    of(['a'])
      .pipe(exportTo(sink))
      .subscribe((outcome) => outcomes.push(outcome));
    expect(outcomes).toMatchObject([{ delivered: 1, lost: [] }]);
  });

  test('a value that is no batch ends the stream by an error, and is not thrown at the source', () => {
    const source = new Subject<string[]>();
    const ended: string[] = [];
    source.pipe(exportTo({ name: 'sink', export: () => of({}) })).subscribe({
      next: () => ended.push('outcome'),
      error: (error: Error) => ended.push(error.message),
    });
    source.next(['a']);
    expect(() => source.next(undefined as never)).not.toThrow();
    expect(ended).toEqual([
      'outcome',
      'exportTo: what it is given must be a batch or an array, but was given undefined',
    ]);
  });

  test('a batch whose bytes are not a number does not block the others', () => {
    const ledger = createLedger();
    const odd = {
      items: ['a'],
      bytes: Number.NaN,
      closedBy: 'count' as const,
      hold: () => ({ ready() {}, settle() {} }),
    };
    of(odd, odd).pipe(exportTo(silent, { ledger })).subscribe();
    expect(ledger.stats()).toMatchObject({ accepted: 2, refused: {} });
  });
});

describe('exportTo: the layers', () => {
  test('an attempt that takes too long is aborted; its batch is tried again and, without an answer, unconfirmed', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^----!', '      --------^----!'];
      const expected = '          -------------(u|)';
      const backend = sink('-');
      expectObservable(source.pipe(exportTo(backend, { attemptTimeoutMillis: 5, retry: RETRY }), told)).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'a']);
    }));

  test('the timeout of an attempt does not run during the wait for a slot', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const attempts = ['         ^---!', '    ----^---!'];
      const expected = '          ----o---(o|)';
      const backend = sink('----(r|)');
      const options = { concurrency: 1, attemptTimeoutMillis: 5 };
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b']);
    }));

  test('an invalid Retry-After is ignored', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^!', '   ----^!'];
      const expected = '          -----(x|)';
      const backend = sink('-t', { failures: { t: { kind: 'throttled', retryAfterMillis: Number.NaN } } });
      expectObservable(source.pipe(exportTo(backend, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }));

  test('items of an attempt with an unknown outcome are delivered when a later attempt is', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^----!', '      --------^-!'];
      const expected = '          ----------(o|)';
      const backend = sink('-', '--(r|)');
      expectObservable(source.pipe(exportTo(backend, { attemptTimeoutMillis: 5, retry: RETRY }), told)).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }));

  test('a batch that waits for its next attempt holds no slot', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const attempts = ['         ^!', '   -^!', '   ----^!'];
      const expected = '          --o--(o|)';
      const backend = sink('-#', '-(r|)');
      expectObservable(source.pipe(exportTo(backend, { concurrency: 1, retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'a']);
    }));

  test('the deadline covers the wait for a slot', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const attempts = ['         ^------!'];
      const expected = '          -------(eu|)';
      const backend = sink('-');
      const options = { concurrency: 1, retry: { ...RETRY, maxElapsedMillis: 7 } };
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a']);
    }));

  test('the deadline ends a wait between attempts', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^!', '   ----^!'];
      const expected = '          -----(x|)';
      const backend = sink('-#');
      const options = { retry: { ...RETRY, maxAttempts: 9, maxElapsedMillis: 8 } };
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }));

  test.each(['p', 'l'])('the answer %s is not tried again', (answer) =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]--|');
      const subs = '              ^----!';
      const attempts = ['         ^---!'];
      const expected = `          ----${answer}|`;
      const backend = sink(`      ----${answer}`);
      expectObservable(source.pipe(exportTo(backend, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }),
  );

  test('a limit that changes counts for later attempts, and running ones go on', () =>
    marbles(({ coldBatches, hot, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b][c][d]|)');
      const subs = '              (^!)';
      const concurrency = hot('   ab----------|', { a: 1, b: 3 });
      const attempts = ['         ^----!', '   -^----!', '   -^----!', '   -----^----!'];
      const expected = '          -----o(oo)(o|)';
      const backend = sink('-----(r|)');
      expectObservable(source.pipe(exportTo(backend, { concurrency }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c', 'd']);
    }));

  test('an invalid limit is counted, and changes nothing', async () => {
    const ledger = createLedger();
    await marbles(({ coldBatches, hot, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const concurrency = hot('   abc-', { a: 2, b: -1, c: Number.NaN });
      const expected = '          -----(oo|)';
      expectObservable(source.pipe(exportTo(sink('-----(r|)'), { concurrency, ledger }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats().callbackErrors).toBe(2);
  });

  test('a limit of 0 pauses: what runs goes on, and the rest begins when it rises', () =>
    marbles(({ coldBatches, hot, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const concurrency = hot('   10----2', { 1: 1, 0: 0, 2: 2 });
      const attempts = ['         ^--!', '     ------^--!'];
      const expected = '          ---o-----(o|)';
      const backend = sink('---(r|)');
      expectObservable(source.pipe(exportTo(backend, { concurrency }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }));

  test('the maxConcurrency of a sink limits the concurrency', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const attempts = ['         ^--!', '     ---^--!'];
      const expected = '          ---o--(o|)';
      const backend = sink('---(r|)', { maxConcurrency: 1 });
      expectObservable(source.pipe(exportTo(backend, { concurrency: 8 }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts);
    }));
});

describe('exportTo: an outcome has', () => {
  /** The outcomes of two items that a sink answers at once. */
  const outcomesOf = (answer: Response) => {
    const outcomes: Outcome<string>[] = [];
    const sink: Sink<string> = { name: 'backend', export: () => of(answer) };
    of(['a', 'b'])
      .pipe(exportTo(sink))
      .subscribe((outcome) => outcomes.push(outcome));
    return outcomes;
  };

  test('the number of rejected items, and why', () => {
    expect(outcomesOf({ rejected: 1, message: 'too old' })).toMatchObject([
      { delivered: 1, rejected: 1, lost: [], message: 'too old' },
    ]);
  });

  test('the number of items that could not be encoded', () => {
    const lost = [{ count: 2, reason: 'unencodable', stage: 'exportTo(backend)' }];
    expect(outcomesOf({ unencodable: 2 })).toMatchObject([{ delivered: 0, rejected: 0, lost }]);
  });

  test('counts that are cut down to the batch, when a sink claims more', () => {
    expect(outcomesOf({ unencodable: 1, rejected: 9 })).toMatchObject([
      { delivered: 0, rejected: 1, lost: [{ count: 1 }] },
    ]);
    expect(outcomesOf({ rejected: Number.NaN })).toMatchObject([{ delivered: 2, rejected: 0, lost: [] }]);
    expect(outcomesOf({ rejected: -5 })).toMatchObject([{ delivered: 2 }]);
  });

  test('the attempts, the duration of the last one, and that of all', () =>
    marbles(async ({ coldBatches, sink, flush }) => {
      const outcomes: Outcome<unknown>[] = [];
      coldBatches('-[a]|')
        .pipe(exportTo(sink('-#', '--(r|)'), { retry: RETRY }))
        .subscribe((outcome) => outcomes.push(outcome));
      await flush();
      expect(outcomes).toMatchObject([{ delivered: 1, attempts: 2, attemptMillis: 2, elapsedMillis: 6 }]);
    }));

  test('the failure of the last attempt', () =>
    marbles(async ({ coldBatches, sink, flush }) => {
      const outcomes: Outcome<unknown>[] = [];
      coldBatches('-[a]|')
        .pipe(exportTo(sink('-p')))
        .subscribe((outcome) => outcomes.push(outcome));
      await flush();
      expect(outcomes).toMatchObject([
        { delivered: 0, error: { code: 'EXPORT_FAILED', failure: { kind: 'permanent' } } },
      ]);
    }));

  test('an empty array has no outcome', () => {
    const outcomes: unknown[] = [];
    of<string[][]>([], ['a'])
      .pipe(exportTo({ name: 'backend', export: () => of({}) }))
      .subscribe((outcome) => outcomes.push(outcome));
    expect(outcomes).toHaveLength(1);
  });
});

describe('exportTo: bounds and stopping', () => {
  test('a batch that finds no room is lost as queueFull', async () => {
    const ledger = createLedger();
    await marbles(({ hotBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = hotBatches('[ab]-[cd]-|');
      const subs = '             ^---------!';
      const expected = '         -----q--o-|';
      const options = { concurrency: 1, maxPendingItems: 3, ledger };
      expectObservable(source.pipe(exportTo(sink('--------(r|)'), options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({
      offered: 4,
      accepted: 2,
      refused: { queueFull: 2 },
      delivered: 2,
      pending: 0,
    });
  });

  test('pending batches are bounded in bytes, too; a batch that is alone always has room', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = hotBatches('[a]--[b]---|', { a: 'long enough', b: 'b' });
      const subs = '             ^----------!';
      const expected = '         -----q--o--|';
      expectObservable(source.pipe(exportTo(sink('--------(r|)'), { maxPendingBytes: 5 }), told)).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('stopWhen gives up what is pending and what comes later, with outcomes', async () => {
    const ledger = createLedger();
    await marbles(({ hotBatches, hot, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('([a][b])--[c]|');
      const stopWhen = hot('     ---s          ', { s: 'stop' });
      const subs = '             ^------------!';
      const attempts = ['        ^--!          '];
      const expected = '         ---(us)---s--|';
      const backend = sink('-');
      expectObservable(source.pipe(exportTo(backend, { concurrency: 1, stopWhen, ledger }), told)).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a']);
    });
    expect(ledger.stats()).toMatchObject({ lost: { unconfirmed: 1, shutdown: 2 }, pending: 0 });
  });

  test.each([
    [{ concurrency: 0 }, 'exportTo.concurrency must be a whole number from 1, but was given 0'],
    [
      { concurrency: 'many' },
      'exportTo.concurrency must be a whole number from 1, an Observable of whole numbers, or a limiter (adaptiveConcurrency(), for example), but was given "many"',
    ],
    [
      { attemptTimeoutMillis: 0 },
      'exportTo.attemptTimeoutMillis must be a duration in milliseconds, from 1 to 2147483647, or Infinity, but was given 0',
    ],
    [
      { retry: { maxAttempts: 0.5 } },
      'exportTo.retry.maxAttempts must be a whole number from 1, or Infinity, but was given 0.5',
    ],
    [{ retry: { maxElapsedMillis: 0 } }, 'exportTo.retry.maxElapsedMillis must be a duration in milliseconds, from 1'],
    [{ retry: null }, 'exportTo.retry must be an object'],
    [{ retry: 3 }, 'exportTo.retry must be an object'],
    [{ retry: { maxElapsed: 5 } }, 'exportTo.retry.maxElapsed must be one of the known options'],
    [
      { retry: { backoff: 500 } },
      'exportTo.retry.backoff must be a backoff, as of exponentialBackoff(), but was given 500',
    ],
    [{ maxPendingItems: 0 }, 'exportTo.maxPendingItems must be a whole number from 1, or Infinity'],
    [{ stopWhen: true }, 'exportTo.stopWhen must be an Observable, but was given true'],
  ])('refuses %o', (options, message) => {
    const sink: Sink<string> = { name: 'backend', export: () => of({}) };
    expect(() => exportTo(sink, options as ExportToOptions<string>)).toThrow(message);
  });

  test('refuses a value that is no sink', () => {
    expect(() => exportTo({} as Sink<string>)).toThrow('exportTo.sink must be a sink');
    expect(() => exportTo({ export: () => of({}) } as unknown as Sink<string>)).toThrow(
      'exportTo.sink.name must be a string',
    );
    for (const maxConcurrency of [0, Number.NaN]) {
      const sink: Sink<string> = { name: 'sink', maxConcurrency, export: () => of({}) };
      expect(() => exportTo(sink)).toThrow('exportTo.sink.maxConcurrency must be a whole number from 1, or Infinity');
    }
  });
});
