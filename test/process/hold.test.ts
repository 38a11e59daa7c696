import { describe, expect, it } from 'vitest';
import { run } from './child.ts';
import type { HoldInput } from './programs/hold.ts';

const WAITS: readonly HoldInput['what'][] = [
  'retryWithBackoff',
  'raceTimeout, the whole',
  'raceTimeout, the first',
  'a retry within boundedMergeMap',
  'the delay of adaptiveBatch',
  'the delay of adaptiveBatch, under for await',
  'a retry, under for await',
  'a retry of exportTo',
  'the Retry-After of another batch',
  'the outcome of a source that has ended',
  'the gate of adaptiveBatch',
  'a breaker that is open',
  'an export whose breaker is open',
  'a rate',
  'an export that waits for its rate',
  'a retry that waits for its budget',
];

const OVER: readonly HoldInput['what'][] = [
  'a timeout whose source has finished',
  'a timeout whose first value has come',
  'a timeout that was unsubscribed',
  'a retry that was unsubscribed',
  'a delay that was unsubscribed',
  'an idle batcher',
  'a timeout without an end',
  'a promise that never settles',
  'an open breaker for which nothing waits',
];

describe('a program that waits for operators', () => {
  it.each(WAITS)('is kept alive by %s', async (what) => {
    const program = await run('hold', { input: { what } });
    expect(program.one('done')).toBeDefined();
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  });

  it.each(WAITS)('is not kept alive by %s with processHold never', async (what) => {
    const program = await run('hold', { input: { what, processHold: 'never' } });
    // 13 is Node's word for a top-level await that nothing can end any more.
    expect(program.one('exit')).toMatchObject({ code: 13 });
    expect(program).toMatchObject({ code: 13, faults: [] });
    expect(program.all('done')).toEqual([]);
  });

  // Each would go on for days.
  it.each(OVER)('is not kept alive by %s', async (what) => {
    const program = await run('hold', { input: { what } });
    expect(program.one('done')).toBeDefined();
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
  });
});
