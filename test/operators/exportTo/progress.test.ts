import { describe, expect, test } from 'vitest';
import { Progress } from '../../../src/operators/exportTo/progress.ts';

const loss = (reason: string, count: number) => ({ reason, count, stage: 'sink' });

describe('Progress', () => {
  test('adds up the answers and losses of parts', () => {
    const progress = new Progress(10, 'sink');
    progress.answer(4, { rejected: 1, unencodable: 1 });
    progress.lose(3, 'permanent');
    progress.lose(3, 'permanent');
    expect(progress.rest).toBe(0);
    expect(progress.counts()).toEqual({
      delivered: 2,
      rejected: 1,
      lost: [loss('unencodable', 1), loss('permanent', 6)],
    });
  });

  test('items that may have arrived are possible duplicates when delivered later, and unconfirmed when lost', () => {
    const progress = new Progress(10, 'sink');
    progress.doubt(6);
    progress.answer(2, {});
    progress.lose(2, 'permanent');
    progress.lose(3, 'tooLarge');
    progress.answer(3, {});
    expect(progress.counts()).toEqual({
      delivered: 5,
      rejected: 0,
      possibleDuplicates: 2,
      lost: [loss('unconfirmed', 4), loss('tooLarge', 1)],
    });
  });

  test('a rejected item is no duplicate', () => {
    const progress = new Progress(3, 'sink');
    progress.doubt(3);
    progress.answer(3, { rejected: 2 });
    expect(progress.counts()).toMatchObject({ delivered: 1, rejected: 2, possibleDuplicates: 1 });
  });
});
