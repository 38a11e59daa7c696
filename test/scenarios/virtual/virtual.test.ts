import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LEAST_SEEDS, OWN_SCENARIOS, VECTOR_SCENARIOS } from './scenarios.ts';
import { type Contestant, outside, tried } from './tried.ts';
import { vectorTable } from './vectorTable.ts';

const FEW_SEEDS = 3;

function scenario(name: string) {
  const found = [...VECTOR_SCENARIOS, ...OWN_SCENARIOS].find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`there is no scenario ${name}`);
  return found;
}

describe("adaptiveConcurrency in Vector's scenarios", () => {
  const table = vectorTable();

  it.each(VECTOR_SCENARIOS)('$name: within our ranges, and within those of its table or better', (one) => {
    const medians = tried(one, LEAST_SEEDS);
    expect(outside(one.ranges, medians)).toEqual([]);
    const theirs = Object.entries(table?.[one.name] ?? {}).filter(([name]) => !(name in (one.beyondVector ?? {})));
    expect(outside(Object.fromEntries(theirs), medians)).toEqual([]);
  });

  it('are compared with the table, or the run says once that they are not', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.stubEnv('SPANFLOW_DATA', '/nowhere');
    onTestFinished(() => {
      vi.unstubAllEnvs();
      warned.mockRestore();
    });
    expect([vectorTable(), vectorTable()]).toEqual([undefined, undefined]);
    expect(warned.mock.calls).toEqual([[expect.stringContaining('NOT those of Vector')]]);
  });

  it('are those of the table, all twelve', () => {
    const names = VECTOR_SCENARIOS.map(({ name }) => name);
    expect(names).toHaveLength(12);
    if (table !== undefined) expect(names.sort()).toEqual(Object.keys(table).sort());
  });
});

describe('adaptiveConcurrency', () => {
  it.each(OWN_SCENARIOS)('$name', (one) => {
    expect(outside(one.ranges, tried(one, FEW_SEEDS))).toEqual([]);
  });
});

describe('the scenarios tell limiters apart', () => {
  it.each<[string, Contestant, string]>([
    ['eight workers', 'AIMD', 'roundTripMean'],
    ['eight workers, two left', 'fixed 8', 'roundTripMean'],
    ['defers-at-high-concurrency', 'fixed 8', 'perSecond'],
    ['half refused at random', 'AIMD', 'limitMean'],
    ['jittery round trips, batches', 'AIMD', 'limitMax'],
    ['far: 100,000/s at 200 ms', 'fixed 8', 'lostItems'],
  ])('%s: %s is outside the range of %s', (name, whose, figure) => {
    const one = scenario(name);
    expect(outside(one.ranges, tried(one, 1, whose)).join()).toContain(`${figure} is`);
  });
});
