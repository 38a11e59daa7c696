import { expect, test } from 'vitest';
import { run } from './child.ts';

test('bodies that are encoded and let go bring on no full collections, but a few young ones', async () => {
  const program = await run('bodies');
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const { full, young } = program.one('encoded');
  // Without the garbage that is made with each of them there are four and more, and next to no young ones.
  expect(full).toBeLessThanOrEqual(1);
  expect(young).toBeGreaterThan(5);
});
