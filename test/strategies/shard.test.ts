import { describe, expect, test } from 'vitest';
import { MAX_KNOWN_KEYS, ShardPlaces } from '../../src/strategies/shard.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** How many of these keys each place has. */
function spread(keys: readonly string[], places: ShardPlaces, size: number): number[] {
  const counts = upTo(size).map(() => 0);
  for (const key of keys) counts[places.placeOf(key)] = (counts[places.placeOf(key)] ?? 0) + 1;
  return counts;
}

describe('ShardPlaces', () => {
  test.each([
    ['small integers', String],
    ['integers in steps', (index: number) => String(index * 64)],
    ['short texts', (index: number) => `k${index}`],
    ['ids of traces', (index: number) => index.toString(16).padStart(32, '0')],
  ])('%s are spread evenly, however few', (_, keyOf) => {
    for (const size of [1, 2, 3, 4, 7]) {
      const keys = upTo(4 * size).map(keyOf);
      expect(spread(keys, new ShardPlaces(size), size)).toEqual(upTo(size).map(() => 4));
    }
  });

  test('a key stays where it is, whatever comes after it', () => {
    const places = new ShardPlaces(3);
    const keys = upTo(2 * MAX_KNOWN_KEYS).map(String);
    const before = keys.map((key) => places.placeOf(key));
    expect(keys.toReversed().map((key) => places.placeOf(key))).toEqual(before.toReversed());
  });

  test('of more keys than are remembered, each place has about as many', () => {
    const places = new ShardPlaces(4);
    upTo(MAX_KNOWN_KEYS).forEach((index) => void places.placeOf(`first ${index}`));
    const more = upTo(20_000);
    for (const keys of [more.map(String), more.map((index) => `key ${index}`)])
      for (const count of spread(keys, places, 4)) expect(Math.abs(count - 5_000)).toBeLessThan(300);
    expect(places.known).toBe(MAX_KNOWN_KEYS);
  });
});
