import { expect, test } from 'vitest';
import { run } from './child.ts';

test('decoded spans that are dropped are collected young, although earlier spans lived long', async () => {
  // With a small young generation, V8 soon finds that the first spans live long.
  const program = await run('decoded', { flags: ['--max-semi-space-size=1'] });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const { young } = program.one('decoded');
  // Spans that are allocated young fill the young generation some 4,000 times; with a literal for their times, 2,650 to 3,440 times. What is allocated old is not seen by its full collections: V8 makes 0 or some 30 of them, by chance.
  expect(young).toBeGreaterThan(3_650);
});
