import { describe, expect, test } from 'vitest';
import { run } from './child.ts';

describe.each(['encoded', 'viewed'])('bodies that are %s and let go', (way) => {
  test.each([
    { room: 'the usual room', flags: [], least: 25 },
    { room: 'much room', flags: ['--min-semi-space-size=32', '--max-semi-space-size=32'], least: 12 },
  ])('bring on young collections and no full ones, with $room for the young', async ({ flags, least }) => {
    const program = await run('bodies', { flags, input: { way } });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    const { full, young } = program.one('handled');
    // Without the garbage that is made with each of them there are five and more, and next to no young ones.
    expect(full).toBeLessThanOrEqual(2);
    expect(young).toBeGreaterThan(least);
  });
});
