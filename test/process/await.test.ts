import { describe, expect, it } from 'vitest';
import { run } from './child.ts';
import type { AwaitInput } from './programs/await.ts';

const WAITS: readonly AwaitInput['what'][] = [
  'forceFlush',
  'forceFlush without a limit',
  'shutdown',
  'dispose',
  'input.forceFlush',
  'input.shutdown',
  'input.shutdown without a limit',
];

describe('a program that awaits at its top level', () => {
  it.each(WAITS)('is kept alive by %s until everything has an outcome', async (what) => {
    const program = await run('await', { input: { what } });
    // 13 is Node's word for a top-level await that nothing can end any more.
    expect(program.one('exit')).toMatchObject({ code: 0, items: 30 });
    expect(program.one('done')).toMatchObject({ items: 30 });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  });
});
