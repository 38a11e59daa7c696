import { expect, test } from 'vitest';
import { run } from './child.ts';

test('spans that are decoded and let go are collected young, though others lived long before', async () => {
  // With little room for the young, the engine soon finds out that the first ones live long.
  const program = await run('decoded', { flags: ['--max-semi-space-size=1'] });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const { full, young } = program.one('decoded');
  // Spans that literals make are old from their beginning then: some thirty full collections.
  expect(full).toBeLessThanOrEqual(5);
  expect(young).toBeGreaterThan(500);
});
