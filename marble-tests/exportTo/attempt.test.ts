import { type Observable, of, Observable as Stream, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Attempt,
  adaptiveBatch,
  createLedger,
  ExportError,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  type Outcome,
  type Response,
  type Sink,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { throwing } from '../support.ts';

const ONCE = { retry: { maxAttempts: 1 }, attemptTimeoutMillis: 5 } as const;

/** A sink that never ends, after what it has reported. */
function silent(report: (attempt: Attempt) => void): Sink<string> {
  return {
    name: 'backend',
    export: (_batch, attempt) =>
      new Stream<Response>(() => {
        if (attempt !== undefined) report(attempt);
      }),
  };
}

async function outcomeOf(sink: Sink<string>, options: ExportToOptions<string> = ONCE): Promise<Outcome<string>> {
  const outcomes: Outcome<string>[] = [];
  await marbles(async ({ flush }) => {
    of(['a'])
      .pipe(exportTo(sink, options))
      .subscribe((outcome) => outcomes.push(outcome));
    await flush();
  });
  expect(outcomes).toHaveLength(1);
  return outcomes[0] as Outcome<string>;
}

const reasonOf = ({ lost }: Outcome<string>) => lost[0]?.reason;

describe('exportTo: how far an attempt is', () => {
  test.each(['preparing', 'resolving', 'connecting', 'securing'] as const)(
    'an attempt that is aborted while %s has certainly not arrived',
    async (phase) => {
      expect(reasonOf(await outcomeOf(silent((attempt) => attempt.enter(phase))))).toBe('retriesExhausted');
    },
  );

  test.each(['sending', 'waiting', 'reading'] as const)(
    'an attempt that is aborted while %s is unconfirmed',
    async (phase) => {
      expect(reasonOf(await outcomeOf(silent((attempt) => attempt.enter(phase))))).toBe('unconfirmed');
    },
  );

  test('a sink that reports no phase counts as sending from the start', async () => {
    expect(reasonOf(await outcomeOf(silent(() => {})))).toBe('unconfirmed');
  });

  test('the message of a timeout names the limit, the phase and the address', async () => {
    const where = 'http://localhost:4318/v1/traces';
    const { error } = await outcomeOf(silent((attempt) => attempt.enter('connecting', where)));
    expect(error?.code).toBe('TIMEOUT');
    expect(error?.message).toBe(
      'an export to backend took longer than 5 ms and was aborted while connecting to http://localhost:4318/v1/traces',
    );
  });

  test('only the timeout of an attempt that was sent counts as too slow in one piece', async () => {
    const outcome = await outcomeOf(silent((attempt) => attempt.enter('connecting')));
    expect(outcome.timeouts).toBeUndefined();
    expect((await outcomeOf(silent((attempt) => attempt.enter('sending')))).timeouts).toBe(1);
  });
});

describe('exportTo: an answer that is known although the attempt goes on', () => {
  const known = (answer: Response | ExportError) =>
    silent((attempt) => {
      attempt.enter('reading');
      attempt.answered(answer);
    });

  test('a success counts at the timeout', async () => {
    expect(await outcomeOf(known({ rejected: 0, message: 'no body' }))).toMatchObject({
      delivered: 1,
      message: 'no body',
      attempts: 1,
    });
  });

  test('a refusal counts at the timeout', async () => {
    const outcome = await outcomeOf(known(new ExportError({ kind: 'permanent' }, 'answered 400')), {
      attemptTimeoutMillis: 5,
    });
    expect(outcome).toMatchObject({ lost: [{ reason: 'permanent' }], attempts: 1 });
  });

  test('a refusal counts when the batch is given up, too, and the outcome has the last failure', async () => {
    const refused = known(new ExportError({ kind: 'permanent' }, 'answered 400'));
    await marbles(({ coldBatches, cold, expectOutcomes, expectSubscriptions }) => {
      const source = coldBatches('[a]|');
      const outcomes = source.pipe(exportTo(refused as Sink<unknown>, { stopWhen: cold('--s') }));
      expectOutcomes(outcomes).toBe('--o|', { o: { lost: { permanent: 1 } } });
      expectSubscriptions(source.subscriptions).toBe('^--!');
    });
    const busy: Sink<string> = { name: 'busy', export: () => throwError(() => new Error('busy')) };
    const outcome = await outcomeOf(busy, {
      stopWhen: timer(5),
      retry: { backoff: exponentialBackoff({ initialMillis: 9, jitter: 'none' }) },
    });
    expect(outcome).toMatchObject({ lost: [{ reason: 'shutdown' }], error: { message: 'busy' } });
  });

  test('an answer counts at the deadline of the batch, and when the batch is given up', async () => {
    const sink = known({});
    expect(await outcomeOf(sink, { retry: { maxElapsedMillis: 3 } })).toMatchObject({ delivered: 1 });
    expect(await outcomeOf(sink, { stopWhen: of('now') })).toMatchObject({ delivered: 0 });
    await marbles(({ coldBatches, cold, expectOutcomes }) => {
      const outcomes = coldBatches('[a]|').pipe(exportTo(known({}) as Sink<unknown>, { stopWhen: cold('--s') }));
      expectOutcomes(outcomes).toBe('--o|', { o: { delivered: 1 } });
    });
  });
});

describe('exportTo: sinks in other shapes', () => {
  test('an async function is a sink', async () => {
    const sink: Sink<string> = { name: 'posting', export: async () => ({ message: 'thanks' }) };
    expect(await outcomeOf(sink, {})).toMatchObject({ delivered: 1, message: 'thanks' });
  });

  test('an iterable may be returned, and its first value is the answer', async () => {
    const sink: Sink<string> = { name: 'listing', export: () => [{ rejected: 1 }, {}] };
    expect(await outcomeOf(sink, {})).toMatchObject({ rejected: 1 });
  });

  test('counts may be bigints, and invalid counts are 0', async () => {
    const answering = (answer: unknown): Sink<string> => ({ name: 'odd', export: () => of(answer as Response) });
    expect(await outcomeOf(answering({ rejected: 1n }), {})).toMatchObject({ rejected: 1, attempts: 1 });
    const hostile = Object.defineProperty({}, 'rejected', { enumerable: true, get: throwing });
    expect(await outcomeOf(answering(hostile), {})).toMatchObject({ delivered: 1, attempts: 1 });
    expect(await outcomeOf(answering({ rejected: Symbol('one') }), {})).toMatchObject({ delivered: 1, attempts: 1 });
  });

  test('the ledger adds up when a sink adds items to its batch or removes some', async () => {
    for (const mutate of [(items: string[]) => items.splice(0), (items: string[]) => items.push('b', 'c')]) {
      const ledger = createLedger();
      const sink: Sink<string> = {
        name: 'mutating',
        export: ({ items }) => {
          mutate(items as string[]);
          return of({});
        },
      };
      of('a').pipe(adaptiveBatch({ ledger }), exportTo(sink, { ledger })).subscribe();
      const { delivered, removed, pending } = ledger.stats();
      expect([delivered + removed, pending]).toEqual([1, 0]);
    }
  });

  test('the message of a sink is escaped to one printable line', async () => {
    const sink: Sink<string> = { name: 'chatty', export: () => of({ message: 'a\r\nb\u001b[2J' }) };
    const { message = '' } = await outcomeOf(sink, {});
    expect(['\r', '\n', '\u001b'].filter((control) => message.includes(control))).toEqual([]);
  });

  test.each<[string, () => never]>([
    ['a TypeError at the call', () => (undefined as never as { post(): never }).post()],
    [
      'a ReferenceError at the call',
      () => {
        throw new ReferenceError('publish is not defined');
      },
    ],
    ['nothing', () => undefined as never],
    ['a number', () => 42 as never],
  ])('%s is a defect of the sink: one attempt, and a sentence that says so', async (_what, broken) => {
    let calls = 0;
    const sink: Sink<string> = {
      name: 'broken',
      export: () => {
        calls += 1;
        return broken();
      },
    };
    const outcome = await outcomeOf(sink, {});
    expect(calls).toBe(1);
    expect(reasonOf(outcome)).toBe('permanent');
    expect(outcome.error?.message).toContain('broken.export() failed at the call, which is a defect of the sink: ');
  });

  test('any other exception, and any rejection, is tried again', async () => {
    const retry = { maxAttempts: 3, backoff: exponentialBackoff({ initialMillis: 1, jitter: 'none' }) };
    const failures: (() => Observable<Response> | Promise<Response>)[] = [
      () => {
        throw new Error('busy');
      },
      () => Promise.reject(new TypeError('fetch failed')),
      () => throwError(() => new TypeError('fetch failed')),
    ];
    for (const fail of failures) {
      expect(await outcomeOf({ name: 'busy', export: fail }, { retry })).toMatchObject({
        attempts: 3,
        lost: [{ reason: 'retriesExhausted' }],
      });
    }
  });
});
