import { afterEach, describe, expect, it, vi } from 'vitest';
import { randomRuns } from './randomRuns.ts';

afterEach(() => void vi.unstubAllEnvs());

describe('the random cases of a property', () => {
  it('are as many as it says, and new ones each time', () => {
    vi.stubEnv('SPANFLOW_RUNS', undefined);
    vi.stubEnv('SPANFLOW_SEED', undefined);
    expect(randomRuns(250)).toEqual({ numRuns: 250 });
  });

  it('are more with SPANFLOW_RUNS, and the same again with SPANFLOW_SEED', () => {
    vi.stubEnv('SPANFLOW_RUNS', '5000');
    vi.stubEnv('SPANFLOW_SEED', '-1234');
    expect(randomRuns(250)).toEqual({ numRuns: 5_000, seed: -1_234 });
  });

  it('are not drawn where a variable is no number', () => {
    vi.stubEnv('SPANFLOW_SEED', 'seven');
    expect(() => randomRuns(250)).toThrow('SPANFLOW_SEED is a whole number, and this is seven');
  });
});
