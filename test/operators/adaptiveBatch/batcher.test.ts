import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batcher, type BatcherLimits } from '../../../src/operators/adaptiveBatch/batcher.ts';
import { randomRuns } from '../../support/randomRuns.ts';

const LIMITS: BatcherLimits = {
  maxQueueSize: 100,
  maxQueueBytes: 1_000,
  maxExportBatchSize: 10,
  maxExportBatchBytes: 100,
};

function batcherWith(items: readonly [item: string, bytes: number][], target = 3): Batcher<string> {
  const batcher = new Batcher<string>(LIMITS, target);
  for (const [item, bytes] of items) batcher.push(item, bytes);
  return batcher;
}

describe('a batcher', () => {
  test('has nothing due before the target', () => {
    const batcher = batcherWith([
      ['a', 1],
      ['b', 1],
    ]);
    expect(batcher.due).toBe(false);
    expect(batcher.takeBatch()).toBeUndefined();
  });

  test('is due by count at the target, and takes the items that came later, too', () => {
    const batcher = batcherWith([
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ]);
    expect(batcher.takeBatch()).toEqual({ items: ['a', 'b', 'c', 'd'], bytes: 4, closedBy: 'count' });
    expect(batcher).toMatchObject({ length: 0, bytes: 0, due: false });
  });

  test('is due by bytes; the item that does not fit begins the next batch', () => {
    const batcher = batcherWith([
      ['a', 60],
      ['b', 60],
    ]);
    expect(batcher.takeBatch()).toEqual({ items: ['a'], bytes: 60, closedBy: 'bytes' });
    expect(batcher).toMatchObject({ length: 1, bytes: 60, due: false });
  });

  test('is due again by bytes when a batch leaves a whole one behind', () => {
    const items = [...'abcde'].map((item): [string, number] => [item, 50]);
    const batcher = batcherWith(items, 99);
    expect(batcher.takeBatch()).toEqual({ items: ['a', 'b'], bytes: 100, closedBy: 'bytes' });
    expect(batcher.takeBatch()).toEqual({ items: ['c', 'd'], bytes: 100, closedBy: 'bytes' });
    expect(batcher).toMatchObject({ length: 1, due: false });
  });

  test('takes an item alone that is larger than the maximum of a batch', () => {
    const batcher = batcherWith([['huge', 700]]);
    expect(batcher.takeBatch()).toEqual({ items: ['huge'], bytes: 700, closedBy: 'bytes' });
  });

  test('keeps the first reason while the batch grows', () => {
    const batcher = batcherWith([['a', 1]]);
    batcher.makeAllDue('delay');
    batcher.push('b', 1);
    batcher.makeAllDue('flush');
    expect(batcher.takeBatch()).toEqual({ items: ['a', 'b'], bytes: 2, closedBy: 'delay' });
  });

  test('takes no more than the maximum of a batch, and what was due stays due', () => {
    const batcher = batcherWith([]);
    for (let index = 0; index < 25; index += 1) batcher.push(String(index), 1);
    batcher.makeAllDue('flush');
    expect([batcher.takeBatch(), batcher.takeBatch(), batcher.takeBatch()].map((taken) => taken?.items.length)).toEqual(
      [10, 10, 5],
    );
    expect(batcher.due).toBe(false);
  });

  test('is due at once when the target falls to the number of queued items', () => {
    const batcher = batcherWith([
      ['a', 1],
      ['b', 1],
    ]);
    batcher.aim(2);
    expect(batcher.takeBatch()?.closedBy).toBe('count');
  });

  test('stays due by count when its oldest item is evicted', () => {
    const batcher = batcherWith(
      [
        ['a', 1],
        ['b', 1],
      ],
      1,
    );
    expect(batcher.evict()).toBe('a');
    expect(batcher.takeBatch()).toEqual({ items: ['b'], bytes: 1, closedBy: 'count' });
  });

  test('knows how many full batches wait, by count or by bytes', () => {
    const batcher = batcherWith([['a', 150]], 50);
    expect(batcher.fullBatches).toBe(1.5);
    for (let index = 0; index < 20; index += 1) batcher.push('b', 0);
    expect(batcher.fullBatches).toBe(2.1);
  });

  test('keeps every item, in order, within its limits, over random schedules', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ bytes: fc.nat(120) }) },
      { weight: 2, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constantFrom('evict' as const, 'flush' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 10 }), (steps, target) => {
        const batcher = new Batcher<number>(LIMITS, target);
        const model: number[] = [];
        let next = 0;
        for (const action of steps) {
          if (typeof action === 'object') {
            if (!batcher.fits(action.bytes)) continue;
            batcher.push(next, action.bytes);
            model.push(next++);
          } else if (action === 'take') {
            const taken = batcher.takeBatch();
            if (taken === undefined) continue;
            expect(taken.items.length).toBeLessThanOrEqual(LIMITS.maxExportBatchSize);
            expect(taken.bytes <= LIMITS.maxExportBatchBytes || taken.items.length === 1).toBe(true);
            expect(taken.items).toEqual(model.splice(0, taken.items.length));
            expect(taken.items.length).toBeGreaterThan(0);
          } else if (action === 'evict') {
            if (model.length > 0) expect(batcher.evict()).toBe(model.shift());
          } else batcher.makeAllDue('flush');
          expect(batcher.length).toBe(model.length);
          expect(batcher.bytes).toBeLessThanOrEqual(LIMITS.maxQueueBytes);
          expect(batcher.length).toBeLessThanOrEqual(LIMITS.maxQueueSize);
          if (batcher.length >= target) expect(batcher.due).toBe(true);
        }
        expect(batcher.clear()).toEqual(model);
      }),
      randomRuns(1_000),
    );
  });
});
