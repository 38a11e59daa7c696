import { expect, test } from 'vitest';
import { run } from './child.ts';

test('decoded spans that are dropped are collected young, although earlier spans lived long', async () => {
  // With a small young generation, V8 soon finds that the first spans live long.
  const program = await run('decoded', { flags: ['--max-semi-space-size=1'] });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const { full, young } = program.one('decoded');
  // Spans of object literals are allocated in the old generation then: some ten full collections.
  expect(full).toBeLessThanOrEqual(5);
  expect(young).toBeGreaterThan(500);
});
