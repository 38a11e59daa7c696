import fc from 'fast-check';
import { from, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { afterAll, describe, expect, test } from 'vitest';
import { createLedger } from '../../src/index.ts';
import { type InWorkersOptions, inWorkers, workerPool, workerTask } from '../../src/workers/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import type * as tasks from './tasks.ts';

const module = new URL('./tasks.ts', import.meta.url);
const DOING = workerTask<(deed: tasks.Deed) => Promise<string>>({ module, export: 'doing' });
const step = { delayMillis: 0, next: () => step };
const workers = workerPool({ size: 2, abortMillis: 0, backoff: { first: () => step } });
afterAll(() => workers.shutdown({ timeoutMillis: 0 }));

const deeds = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant<tasks.Deed>('work') },
    {
      weight: 1,
      arbitrary: fc.constantFrom<tasks.Deed>('throw', 'reject', 'exit', 'uncaught', 'unhandled', 'function'),
    },
  ),
  { maxLength: 30 },
);

const options = fc.record({
  order: fc.constantFrom<'completion' | 'source'>('completion', 'source'),
  maxQueueSize: fc.integer({ min: 1, max: 40 }),
  overflow: fc.constantFrom<'dropNewest' | 'dropOldest'>('dropNewest', 'dropOldest'),
});

/** Which reason each deed leads to. */
const EXPECTED: Readonly<Record<string, string>> = {
  ...{ throw: 'operatorFailed', reject: 'operatorFailed', function: 'operatorFailed' },
  ...{ exit: 'workerCrashed', uncaught: 'workerCrashed', unhandled: 'workerCrashed' },
};

describe('over random chunks, some of which end their thread,', () => {
  test('each chunk has one result or one loss with its reason, and the books add up', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, options, fc.option(fc.integer({ min: 1, max: 10 })), async (chunks, given, wanted) => {
        const ledger = createLedger();
        const lost: string[] = [];
        const settings: InWorkersOptions<tasks.Deed, tasks.Deed, string, string> = {
          workers,
          ledger,
          ...given,
          onLoss: ({ reason }, items) => lost.push(...items.map((item) => `${item} ${reason}`)),
        };
        const all: Observable<string> = from(chunks).pipe(inWorkers<tasks.Deed, string>(DOING, settings));
        const results = await lastValueFrom(all.pipe(take(wanted ?? Number.POSITIVE_INFINITY), toArray()));
        const {
          offered,
          accepted,
          handedOn,
          pending,
          lost: losses,
          refused,
        } = ledger.stats().stages.inWorkers as never as Books;
        const sum = (counts: Readonly<Record<string, number>>) =>
          Object.values(counts).reduce((all, count) => all + count, 0);
        expect(pending).toBe(0);
        expect(offered).toBe(accepted + sum(refused));
        expect(accepted).toBe(handedOn + sum(losses));
        expect(results.length).toBe(handedOn);
        expect(results.every((result) => result === 'work')).toBe(true);
        expect(lost.length).toBe(sum(losses) + sum(refused));
        expect(offered).toBe(chunks.length);
        for (const loss of lost) {
          const [deed = '', reason = ''] = loss.split(' ');
          expect([EXPECTED[deed], 'queueFull', 'unsubscribed', 'unconfirmed']).toContain(reason);
        }
      }),
      randomRuns(25),
    );
  });
});

interface Books {
  readonly offered: number;
  readonly accepted: number;
  readonly handedOn: number;
  readonly pending: number;
  readonly lost: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}
