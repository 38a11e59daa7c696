import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stats } from '../../src/index.ts';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { run } from './child.ts';

let backend: OtlpBackend;
beforeAll(async () => {
  backend = await otlpBackend();
});
afterAll(() => backend.close());

const SPANS = 60; // three rounds of 20

interface Expected {
  /** What is delivered at the end. Default: everything. */
  readonly delivered?: number;
  /** Whether the books tell that a callback failed. What a sink does is an outcome instead, unless it comes too late for one; a logger has nobody left to tell. */
  readonly counted?: boolean;
}

const ALL = { counted: false };
const ALL_COUNTED = { counted: true };

const KINDS: Readonly<Record<string, Expected>> = {
  'a sink that throws': ALL,
  'a sink that returns nothing': { delivered: 40 }, // one attempt: a defect of the sink is not repaired by trying again
  'a sink that errors': ALL,
  'a sink that errors with something that is no error': ALL,
  'a sink that ends without an answer': ALL,
  'a sink that never answers': ALL,
  'a sink that answers nonsense': ALL,
  'a sink whose abort throws': {},
  'a sink whose teardown throws': {},
  'a sink whose shutdown throws': ALL,
  'a sink whose shutdown rejects': ALL,
  'a strategy factory': ALL_COUNTED,
  'a strategy factory that returns nothing': ALL_COUNTED,
  'the size of a strategy': ALL_COUNTED,
  'the size of a strategy that is no number': ALL_COUNTED,
  'the delay of a strategy': ALL_COUNTED,
  'left of a strategy': ALL_COUNTED,
  'ended of a strategy': ALL_COUNTED,
  random: ALL_COUNTED,
  'random that is no number': ALL_COUNTED,
  'a backoff': ALL_COUNTED,
  'a header function': ALL,
  'a header function that rejects': ALL,
  'a header function that never answers': ALL,
  'a diag logger': { delivered: 40, counted: false },
  'a diag logger that is warned of a bad variable': ALL,
  'a resource that never comes, and the logger that is warned of it': ALL,
  'a resource that fails, and the logger that is warned of it': ALL,
  'a resource that throws': ALL,
  'an exporter that throws': ALL,
  'an exporter that answers and then throws': ALL,
  sizeOf: ALL_COUNTED,
  'sizeOf that is no number': ALL_COUNTED,
  'onLoss of adaptiveBatch': { delivered: 40, counted: true },
  'onLoss of exportTo': { delivered: 40, counted: true },
  'onLoss of fromSpanProcessor': { delivered: 57, counted: true },
  onRetry: ALL_COUNTED,
  'a concurrency that errors': ALL_COUNTED,
  'a concurrency that is no number': ALL_COUNTED,
};

describe('what fails in the hands of spanflow neither ends the process nor stops the stream', () => {
  it.each(Object.keys(KINDS))('%s', async (kind) => {
    const { delivered = SPANS, counted } = KINDS[kind] as Expected;
    const program = await run('callbacks', { input: { kind, url: backend.url } });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    const stats = program.one('end').stats as Stats;
    expect(stats).toMatchObject({ offered: SPANS, delivered, pending: 0 });
    if (counted !== undefined) expect(stats.callbackErrors > 0).toBe(counted);
    // The last round is as good as any: nothing of the failure has stayed.
    expect(program.all('round').at(-1)?.delivered).toBeGreaterThan(0);
  });
});
