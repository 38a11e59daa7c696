import { describe, expect, it } from 'vitest';
import { toMemory } from '../../src/index.ts';
import { exportOnce, failureOf, outcomeOf } from '../support/httpExports.ts';

describe('toMemory', () => {
  it('keeps items of any kind in order, and forgets them at clear()', async () => {
    const memory = toMemory<unknown>();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const strange = [circular, null, undefined, Number.NaN, 1n, Symbol('s'), new Proxy({}, {})];
    expect(await outcomeOf(memory, strange)).toMatchObject({ delivered: 7, attempts: 1, lost: [] });
    await exportOnce(memory, ['more']);
    expect(memory.items).toEqual([...strange, 'more']);
    memory.clear();
    expect(memory.items).toEqual([]);
  });

  it('refuses a whole batch for good when not all of it has room', async () => {
    const memory = toMemory<number>({ maxItems: 3 });
    await exportOnce(memory, [1, 2]);
    const { failure, message } = await failureOf(memory, [3, 4]);
    expect([failure, message]).toEqual([{ kind: 'permanent' }, 'toMemory holds maxItems 3 already']);
    expect(await outcomeOf(memory, [3, 4])).toMatchObject({ attempts: 1, lost: [{ count: 2, reason: 'permanent' }] });
    await exportOnce(memory, [3]);
    expect(memory.items).toEqual([1, 2, 3]);
  });

  it('does nothing before it is subscribed to', () => {
    const memory = toMemory<number>();
    memory.export({ items: [1], bytes: 8, closedBy: 'count', hold: () => ({ ready() {}, settle() {} }) });
    expect(memory.items).toEqual([]);
  });

  it.each([0, 1.5, -1, '5', Number.POSITIVE_INFINITY])('refuses maxItems %s', (maxItems) => {
    expect(() => toMemory({ maxItems: maxItems as number })).toThrow(
      expect.objectContaining({ option: 'toMemory.maxItems', rule: 'a whole number from 1', given: maxItems }),
    );
  });

  it('refuses an option that does not exist', () => {
    expect(() => toMemory({ max: 5 } as object)).toThrow(/toMemory\.max must be one of the known options/);
  });
});
