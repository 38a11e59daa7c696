import { expect, test } from 'vitest';
import { run } from './child.ts';

test('spans that are decoded and let go are collected young, though others lived long before', async () => {
  const program = await run('decoded');
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const { full, young } = program.one('decoded');
  // Made by literals, spans would then be old from their beginning: there are four to ten.
  expect(full).toBeLessThanOrEqual(2);
  expect(young).toBeGreaterThan(20);
});
