import { describe, expect, it } from 'vitest';
import { Sharing } from '../../src/sinks/shared/sharing.ts';

describe('what several sinks share', () => {
  const make = () => {
    const closed: string[] = [];
    return { closed, sharing: new Sharing<string>((resource) => void closed.push(resource)) };
  };

  it('is one for equal keys, and another one for each other key', () => {
    const { sharing } = make();
    const leases = [['a', 1], ['a', 1], ['a', 2], ['a']].map((key, index) => sharing.lease(key, () => `made ${index}`));
    expect(leases.map(({ resource }) => resource)).toEqual(['made 0', 'made 0', 'made 2', 'made 3']);
  });

  it('is closed when the last of them has given it back, once, and then made anew', async () => {
    const { sharing, closed } = make();
    const [one, other] = [sharing.lease(['a'], () => 'first'), sharing.lease(['a'], () => 'never')];
    await one.giveBack();
    await one.giveBack();
    expect(closed).toEqual([]);
    await other.giveBack();
    await other.giveBack();
    expect(closed).toEqual(['first']);
    expect(sharing.lease(['a'], () => 'second').resource).toBe('second');
  });
});
