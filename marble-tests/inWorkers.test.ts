import {
  defer,
  EMPTY,
  ignoreElements,
  map,
  NEVER,
  Observable,
  of,
  type Subscription,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate, createLedger, type Loss } from '../src/index.ts';
import { SpanflowError } from '../src/model/errors.ts';
import { marbles } from '../src/testing/index.ts';
import {
  type InWorkersOptions,
  inWorkers,
  type OperatorTask,
  type WorkerPool,
  type WorkerSessionOptions,
  workerTask,
} from '../src/workers/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcdefgh');

const TASK = workerTask<(chunk: string) => string>({ module: 'file:///nowhere.js', export: 'task' });

interface Script {
  /** How long each letter takes, in milliseconds; `Infinity` never ends. Default 3. */
  readonly millis?: Readonly<Record<string, number>>;
  /** Fails instead of answering. */
  readonly failures?: Readonly<Record<string, Error>>;
  /** What the states say at the end. */
  readonly ends?: readonly string[];
  /** Told of each chunk that begins, and in which worker. */
  readonly begun?: (chunk: string, worker: number | undefined) => void;
}

/** A pool of this many workers without threads: each chunk takes its time. */
function scripted(size: number, { millis = {}, failures = {}, ends = [], begun }: Script = {}): WorkerPool {
  const run = (chunk: string, worker?: number) =>
    new Observable<string>((subscriber) => {
      begun?.(chunk, worker);
      const wait = millis[chunk] ?? 3;
      const time = wait === Number.POSITIVE_INFINITY ? NEVER : timer(wait);
      const failure = failures[chunk];
      return time.pipe(map(() => chunk)).subscribe({
        next: (value) => (failure === undefined ? subscriber.next(value) : subscriber.error(failure)),
        complete: () => subscriber.complete(),
      });
    });
  const session = { run, finish: () => ends.map((end) => of(end)), flush: () => EMPTY, close: () => 0 };
  return { name: 'scripted', size, state$: NEVER, session: () => session as never, shutdown: async () => {} };
}

const operator = (options: Partial<InWorkersOptions<string, string, string, string>> & { workers: WorkerPool }) =>
  inWorkers<string, string>(TASK, options);

describe('inWorkers', () => {
  test('runs as many chunks at a time as there are workers; results come as they end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('inWorkers', {
        title: 'inWorkers: two workers; a and d take 6 ms, b and c 2 ms',
        sources: ['source'],
        results: ['result'],
      });
      const source = cold('  abcd---|', LETTERS);
      const subs = '         ^------!';
      const expected = '     ---b-ca----(d|)';
      const workers = scripted(2, { millis: { a: 6, b: 2, c: 2, d: 6 } });
      expectObservable(source.pipe(operator({ workers }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('order source: in the order of the chunks', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  abcd---|', LETTERS);
      const subs = '         ^------!';
      const expected = '     ------(abc)(d|)';
      const workers = scripted(2, { millis: { a: 6, b: 2, c: 2, d: 6 } });
      expectObservable(source.pipe(operator({ workers, order: 'source' }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a chunk whose worker crashes is lost, and the others come', async () => {
    const losses: Loss[] = [];
    const errors: unknown[] = [];
    const ledger = createLedger();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  abc------|', LETTERS);
      const subs = '         ^--------!';
      const expected = '     --a---c--|';
      const millis = { a: 2, b: 2, c: 2 };
      const workers = scripted(1, { millis, failures: { b: new SpanflowError('WORKER_CRASHED', 'gone') } });
      const options = {
        workers,
        ledger,
        onLoss: (loss: Loss) => losses.push(loss),
        onTaskError: (error: unknown, item?: string) => errors.push([(error as Error).message, item]),
      };
      expectObservable(source.pipe(operator(options))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(losses).toEqual([{ count: 1, reason: 'workerCrashed', stage: 'inWorkers' }]);
    expect(errors).toEqual([['gone', 'b']]);
    expect(ledger.stats()).toMatchObject({ accepted: 3, handedOn: 2, pending: 0 });
  });

  test('shardBy: chunks of a key one after the other in one worker, other keys beside them', async () => {
    const begun: (readonly [string, number | undefined])[] = [];
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (abc|)', LETTERS);
      const subs = '         (^!)';
      const expected = '     ---ac-(b|)';
      const workers = scripted(2, { millis: { c: 4 }, begun: (chunk, worker) => begun.push([chunk, worker]) });
      const keys: Record<string, string> = { a: 'one', b: 'one', c: 'two' };
      expectObservable(source.pipe(operator({ workers, shardBy: (chunk) => keys[chunk] as string }))).toBe(
        expected,
        LETTERS,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(begun.map(([chunk]) => chunk)).toEqual(['a', 'c', 'b']);
    expect(begun[0]?.[1]).toBe(begun[2]?.[1]);
    expect(begun[0]?.[1]).not.toBe(begun[1]?.[1]);
  });

  test('closes the gate while its queue is half full', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const gate = createGate();
      const source = cold('  abcde----------|', LETTERS);
      const subs = '         ^--------------!';
      const expected = '     ---a--b--c--d--(e|)';
      const saturated = '    f-t------f------';
      const workers = scripted(1);
      expectObservable(gate.saturated$, '^---------------!').toBe(saturated, { f: false, t: true });
      expectObservable(source.pipe(operator({ workers, gate, maxQueueSize: 4 }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('at the end come the results of `finish`', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a-|', LETTERS);
      const subs = '         ^-!';
      const expected = '     ---(agh|)';
      expectObservable(source.pipe(operator({ workers: scripted(1, { ends: ['g', 'h'] }) }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('inWorkers: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  ------', LETTERS);
      const until = '        ^----!';
      const expected = '     ------';
      expectObservable(source.pipe(operator({ workers: scripted(1) })), until).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(until);
    }));

  test('empty: completes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  --|', LETTERS);
      const subs = '         ^-!';
      const expected = '     --|';
      expectObservable(source.pipe(operator({ workers: scripted(1) }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: completes with its result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a|', LETTERS);
      const subs = '         ^!';
      const expected = '     ---(a|)';
      expectObservable(source.pipe(operator({ workers: scripted(1) }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: one after the other, with one worker', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  abc|', LETTERS);
      const subs = '         ^--!';
      const expected = '     ---a--b--(c|)';
      expectObservable(source.pipe(operator({ workers: scripted(1) }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: after the results', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a#', LETTERS);
      const subs = '         ^!';
      const expected = '     ---(a#)';
      expectObservable(source.pipe(operator({ workers: scripted(1, { ends: ['h'] }) }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: what waited and what ran is lost, and counted', async () => {
    const ledger = createLedger();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  abc-----', LETTERS);
      const until = '        ^---!';
      const expected = '     ---a-';
      expectObservable(source.pipe(operator({ workers: scripted(1), ledger })), until).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(until);
    });
    expect(ledger.stats()).toMatchObject({
      accepted: 3,
      handedOn: 1,
      pending: 0,
      lost: { unconfirmed: 1, unsubscribed: 1 },
    });
  });

  test.each(['send', 'receive', 'shardBy'] as const)('throwing callback: %s costs the chunk', async (name) => {
    const ledger = createLedger();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a----|', LETTERS);
      const subs = '         ^----!';
      const expected = '     -----|';
      expectObservable(source.pipe(operator({ workers: scripted(1), ledger, [name]: throwing }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ pending: 0, lost: { operatorFailed: 1 } });
  });

  test('throwing callback: what onLoss and onTaskError throw is told, and the stream goes on', async () => {
    const told: unknown[] = [];
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  ab-----|', LETTERS);
      const subs = '         ^------!';
      const expected = '     ------b|';
      const workers = scripted(1, { failures: { a: new Error('no') } });
      const options = {
        workers,
        onLoss: throwing,
        onTaskError: throwing,
        onCallbackError: (thrown: unknown) => told.push((thrown as Error).message),
      };
      expectObservable(source.pipe(operator(options))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(told).toEqual(['mine', 'mine']);
  });

  test('synchronous re-entrancy: 100,000 chunks that end or fail at once need no deep stack', () => {
    const session = {
      run: (chunk: number) => (chunk % 2 === 0 ? of(chunk) : throwError(() => new Error('odd'))),
      finish: () => [],
      close: () => 0,
    };
    const workers: WorkerPool = { ...scripted(2), session: () => session as never };
    let count = 0;
    const task = workerTask<(chunk: number) => number>({ module: 'file:///nowhere.js', export: 'task' });
    const all = Array.from({ length: 100_000 }, (_, index) => index);
    of(...all)
      .pipe(inWorkers(task, { workers }))
      .subscribe(() => {
        count += 1;
      });
    expect(count).toBe(50_000);
  });
});

describe('inWorkers: an operator in the workers', () => {
  const OPERATOR = workerTask<OperatorTask<string, string>>({
    module: 'file:///nowhere.js',
    export: 'held',
    kind: 'operator',
  });
  const NOTHING = { items: 0, pendingItems: 0, removed: 0, lost: {}, figures: {} };

  /** A worker without a thread that holds each chunk for a while, and lets out what it holds when a flush asks. */
  function holding(millis: number): WorkerPool {
    const open = ({ onEmitted }: WorkerSessionOptions = {}) => {
      const held = new Map<string, Subscription>();
      const letOut = (chunk: string) => {
        held.get(chunk)?.unsubscribe();
        held.delete(chunk);
        onEmitted?.({ results: [chunk], books: { ...NOTHING, pendingItems: -1 } });
      };
      const wentIn = (chunk: string) => {
        held.set(
          chunk,
          timer(millis).subscribe(() => letOut(chunk)),
        );
        return { results: [], books: { ...NOTHING, items: 1, pendingItems: 1 } };
      };
      const run = (chunk: string) => timer(2).pipe(map(() => wentIn(chunk)));
      const flush = () =>
        timer(1).pipe(
          tap(() => [...held.keys()].map(letOut)),
          ignoreElements(),
        );
      const close = () => {
        const { size } = held;
        for (const wait of held.values()) wait.unsubscribe();
        held.clear();
        return size;
      };
      const end = () => {
        const results = [...held.keys()];
        return of({ results, books: { ...NOTHING, pendingItems: -close() } });
      };
      return { run, finish: () => [defer(end)], flush, close };
    };
    return { ...scripted(1), session: (_, options) => open(options) as never };
  }
  const held = (options: Partial<InWorkersOptions<string, string, string, string>> & { workers: WorkerPool }) =>
    inWorkers<string, string>(OPERATOR, options);

  test('what it lets out later than its chunk is emitted when it comes, and the rest at the end', async () => {
    const ledger = createLedger();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a----b--|', LETTERS);
      const subs = '         ^-------!';
      const expected = '     -------a(b|)';
      expectObservable(source.pipe(held({ workers: holding(5), ledger }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ accepted: 2, handedOn: 2, pending: 0 });
  });

  test('a flush waits for the chunks that came before it, and lets out what is held', async () => {
    const answered: string[] = [];
    await marbles(({ cold, expectObservable, expectSubscriptions, hot }) => {
      const request = (name: string) => ({ hold: () => ({ settle: () => answered.push(name) }) });
      const source = cold('  a-b------|', LETTERS);
      const subs = '         ^--------!';
      const flushes = hot('  -x--------', { x: request('x') });
      const expected = '     ---a-----(b|)';
      expectObservable(source.pipe(held({ workers: holding(50), flushWhen: flushes }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(answered).toEqual(['x']);
  });

  test('unsubscribed, it loses what is held, and answers the flushes', async () => {
    const losses: Loss[] = [];
    const answered: string[] = [];
    const ledger = createLedger();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const request = { hold: () => ({ settle: () => answered.push('x') }) };
      const source = hot('   a-------', LETTERS);
      const subs = '         ^--!';
      const flushes = hot('  --x-----', { x: request });
      const expected = '     ----';
      const options = { workers: holding(9), flushWhen: flushes, ledger, onLoss: (loss: Loss) => losses.push(loss) };
      expectObservable(source.pipe(held(options)), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(losses).toEqual([{ count: 1, reason: 'unsubscribed', stage: 'inWorkers' }]);
    expect(answered).toEqual(['x']);
    expect(ledger.stats()).toMatchObject({ accepted: 1, pending: 0 });
  });
});

describe('inWorkers', () => {
  test('order source and shardBy together are refused at the call', () => {
    expect(() => operator({ workers: scripted(1), order: 'source', shardBy: (chunk) => chunk })).toThrow(
      'inWorkers.order must be \'completion\' with shardBy, which keeps the order within each key, but was given "source"',
    );
  });
});
