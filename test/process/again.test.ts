import { describe, expect, it } from 'vitest';
import { type Ended, run } from './child.ts';
import type { AgainInput } from './programs/again.ts';

const again = (input: AgainInput): Promise<Ended> => run('again', { input });
/** Ends when it has time, which is long before its child is killed. */
const WELL = { code: 0, signal: null, faults: [], stderr: '' };
const BOTH = ['pipeline', 'handle'] as const;

describe('a program that finds more work when its event loop has run empty', () => {
  it.each(BOTH)('has all of it delivered by a %s, which refuses nothing', async (as) => {
    const program = await again({ as, rounds: 3 });
    expect(program).toMatchObject(WELL);
    expect(program.one('exit')).toMatchObject({ offered: 300, delivered: 300, refused: {}, lost: {}, pending: 0 });
    expect(program.all('sink shut down')).toEqual([]);
  });

  it.each(BOTH)('loses what a %s has not sent at the deadline, and only that', async (as) => {
    const program = await again({ as, rounds: 3, firstHangs: true, exitDeadlineMillis: 200 });
    expect(program).toMatchObject(WELL);
    expect(program.one('exit')).toMatchObject({
      ...{ offered: 300, delivered: 200, refused: {}, lost: { unconfirmed: 100 }, pending: 0 },
    });
  });

  it('ends at its first deadline when nothing was added, whatever is still pending', async () => {
    const program = await again({ as: 'pipeline', rounds: 1, firstHangs: true, exitDeadlineMillis: 200 });
    expect(program).toMatchObject(WELL);
    expect(program.all('beforeExit').map(({ pending }) => pending)).toEqual([100, 0]);
    expect(program.one('exit')).toMatchObject({ lost: { unconfirmed: 100 }, pending: 0 });
  });

  it('answers every call of a handle at the deadline, those too that wait for room, and takes later ones', async () => {
    const program = await again({
      as: 'handle',
      rounds: 2,
      firstHangs: true,
      exitDeadlineMillis: 200,
      maxQueueSize: 10,
    });
    expect(program).toMatchObject(WELL);
    const answers = program.all('answer') as unknown as {
      delivered: number;
      lost: { count: number; reason: string }[];
    }[];
    const [first, second] = answers;
    expect(answers).toHaveLength(2);
    expect(first?.delivered).toBe(0);
    expect(first?.lost.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    expect(first?.lost.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['unconfirmed', 'shutdown', 'queueFull']),
    );
    expect(second).toMatchObject({ delivered: 100, lost: [] });
    // The answers are what the books say.
    const { lost, refused } = program.one('exit') as unknown as Record<'lost' | 'refused', Record<string, number>>;
    const counted = Object.fromEntries((first?.lost ?? []).map(({ reason }) => [reason, 0]));
    for (const { count, reason } of first?.lost ?? []) counted[reason] = (counted[reason] ?? 0) + count;
    expect({ ...lost, ...refused }).toEqual(counted);
    expect(program.one('exit')).toMatchObject({ offered: 200, delivered: 100, pending: 0 });
  });

  it.each(BOTH)('holds the process for nothing when a %s is given an exitDeadlineMillis of 0', async (as) => {
    const program = await again({ as, rounds: 1, exitDeadlineMillis: 0 });
    expect(program).toMatchObject(WELL);
    expect(program.one('exit')).toMatchObject({ offered: 100, delivered: 0, pending: 100 });
  });

  it.each(BOTH)('has the sink of a %s hand on what it holds, once for each round', async (as) => {
    const program = await again({ as, rounds: 3, flush: 'resolves' });
    expect(program).toMatchObject(WELL);
    expect(program.all('sink flushed')).toHaveLength(3);
  });

  it.each(['hangs', 'rejects'] as const)('ends although the flush of the sink %s', async (flush) => {
    for (const as of BOTH) {
      const program = await again({ as, rounds: 1, flush, exitDeadlineMillis: 200 });
      expect(program).toMatchObject(WELL);
      expect(program.one('exit')).toMatchObject({ delivered: 100, pending: 0 });
    }
  });

  it('ends although its logger makes a span of each warning', async () => {
    const input = { firstHangs: true, exitDeadlineMillis: 200, loggerMakesSpans: true } as const;
    const program = await again({ as: 'pipeline', rounds: 1, ...input });
    expect(program).toMatchObject(WELL);
    expect(program.one('exit')).toMatchObject({ lost: { unconfirmed: 100 }, pending: 0 });
  });
});
