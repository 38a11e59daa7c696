import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { Arrivals, type Seen } from './arrivals.ts';
import { couldBeInFlight, drainedAfterMillis } from './figures.ts';
import type { Drained, Phase } from './measure.ts';
import { DEATHS, type Limits, type SoakPlan } from './plan.ts';
import { Serials } from './serials.ts';
import { type Outage, type SoakResult, soak } from './soak.ts';
import { textOf } from './table.ts';
import { faultsOf } from './verdict.ts';

/** Small queues and short waits: a backend that is dead for three seconds is dead for good. */
const LIMITS = {
  maxElapsedMillis: 3_000,
  maxBackoffMillis: 500,
  maxQueueSize: 500,
  maxExportBatchSize: 150,
  maxUnsettledBatches: 16,
  maxLimit: 8,
} satisfies Limits;
const PLAN = { perSecond: 5_000, slices: 3, sliceMillis: 500, heapMiB: 128 };

/** No attempt times out before its batch is given up. */
const HTTP: SoakPlan = { ...PLAN, protocol: 'http', limits: LIMITS };
/** Attempts time out and are made again, and memory is used up long before the queue is. */
const MEMORY = { attemptTimeoutMillis: 1_000, maxQueueSize: 20_000, memoryBytes: 6_000_000 };
const GRPC: SoakPlan = { ...PLAN, protocol: 'grpc', limits: { ...LIMITS, ...MEMORY } };

let http: SoakResult;
let grpc: SoakResult;

// Nothing here depends on how busy the machine is: a slow one takes longer until it has shown what is to be shown.
beforeAll(async () => {
  [http, grpc] = await Promise.all([soak(HTTP), soak(GRPC)]);
});

describe('a backend that dies and returns, three times in three ways', () => {
  test.each(['http', 'grpc'])(
    'over %s: the books add up at each moment, bounds hold, the heap is level, what was stored is what was delivered or unconfirmed, and no return is a storm',
    (protocol) => {
      const result = protocol === 'http' ? http : grpc;
      expect(result.outages.map(({ dead }) => dead.state)).toEqual(DEATHS);
      expect(faultsOf(result), textOf(result)).toEqual([]);
    },
  );

  test('the queue is full by its items, and the batches of a return are as large as they may be', () => {
    for (const { dead, back } of http.outages) {
      expect(dead.phase.most.queueSize).toBeGreaterThanOrEqual(LIMITS.maxQueueSize);
      expect(back.seen.largest).toBe(LIMITS.maxExportBatchSize);
    }
  });

  test('the queue is full by the memory that it may use, and far from full by its items', () => {
    for (const { dead } of grpc.outages) {
      expect(dead.phase.most.queueSize).toBeLessThan(MEMORY.maxQueueSize / 2);
      // A queue that is alone gets three quarters.
      expect(dead.phase.most.memoryBytes).toBeGreaterThan(MEMORY.memoryBytes / 2);
      expect(dead.phase.most.memoryBytes).toBeLessThanOrEqual((MEMORY.memoryBytes * 3) / 4);
    }
  });

  test('what a silent backend has stored is delivered later, or unconfirmed', () => {
    for (const { drained, stored } of [http, grpc]) {
      const { delivered, lost } = drained.books;
      expect(lost.unconfirmed).toBeGreaterThan(0);
      expect(stored.spans).toBeGreaterThan(delivered);
    }
  });

  test('the text has a row for each phase, and the books', () => {
    const text = textOf(http);
    for (const state of DEATHS) expect(text).toMatch(new RegExp(`^dead: ${state} +[\\d,]+ +[\\d.]+ µs \\(`, 'm'));
    expect(text).toMatch(/^after silent +\d+ +\d+ +\d+ /m);
    expect(text).toContain(`${http.drained.ended.toLocaleString('en')} spans ended = `);
  });
});

describe('the verdict', () => {
  const changedBy: [string, (result: SoakResult) => SoakResult, RegExp][] = [
    ['an equation that does not hold', inDead({ broken: ['a: 1 and 2'] }), /^refused: a: 1 and 2$/],
    ['more requests in flight than the limit', inBack({ inFlight: 9 }), /^9 requests in flight, and the limit is 8$/],
    ['a larger batch', inBack({ largest: 151 }), /^151 spans in a request for 150$/],
    ['a storm', inBack({ ahead: 1_000 }), /^after refused: 1000 requests were ahead of their answers, and \d+ could/],
    ['a heap that grows', growing, /^refused: the heap went from 1000000 to 2000000 bytes$/],
    ['a heap that stays large', atEnd({ heapBytes: 1e9 }), /^the heap is 1000000000 bytes in the end, and was \d+/],
    ['a span of which nobody knows', atEnd({ ended: 1 }), /^1 spans have ended, and \d+ are accounted for$/],
    ['memory that is not given back', atEnd({ memoryBytes: 7 }), /^0 spans and 7 bytes are left$/],
    ['a delivery that is none', storing(0), /^\d+ spans are delivered, and 0 stored$/],
    ['a loss that is none', storing(1e9), /^1000000000 spans are stored, and \d+ delivered or unconfirmed$/],
  ];

  test.each(changedBy)('tells %s', (_, change, told) => {
    expect(faultsOf(change(http))).toContainEqual(expect.stringMatching(told));
  });

  test('tells a reason that is not expected', () => {
    const { books } = http.drained;
    const changed = atEnd({ books: { ...books, lost: { ...books.lost, permanent: 1 } } })(http);
    expect(faultsOf(changed)).toContain('spans were lost as permanent');
  });
});

test('the backend counts how far requests are ahead of their answers, second by second', () => {
  let millis = 0;
  const arrivals = new Arrivals(() => millis);
  const first = arrivals.arrived(10);
  const second = arrivals.arrived(20);
  first('answered');
  first('gone');
  millis = 1_500;
  arrivals.arrived(30);
  second('gone');
  arrivals.arrived(5);
  expect(arrivals.seen).toEqual({
    ...{ requests: 4, spans: 65, connections: 0, largest: 30, inFlight: 2, ahead: 2 },
    seconds: [
      { requests: 2, spans: 30, inFlight: 2 },
      { requests: 2, spans: 35, inFlight: 2 },
    ],
  });
});

test('serial numbers are told apart, however many', () => {
  const serials = new Serials();
  for (const serial of [1, 7, 8, 1, 3_000_000, 8]) serials.add(serial);
  expect(serials).toMatchObject({ count: 4, repeated: 2 });
});

test('the figures of a return: what could be in flight, and when it is drained', () => {
  const [refused] = http.outages as [Outage];
  const dead = {
    ...refused.dead,
    phase: { ...refused.dead.phase, samples: [sampleOf(http, { limit: 2, inFlight: 5 })] },
  };
  const samples = [sampleOf(http, { atMillis: 5, pending: 1e9 }), sampleOf(http, { atMillis: 9, pending: 0 })];
  const back = { ...refused.back, phase: { ...refused.back.phase, samples } };
  expect(couldBeInFlight({ dead, back })).toBe(5);
  expect(drainedAfterMillis({ dead, back }, http.healthy.phase)).toBe(9);
});

test.each([
  [['--seconds', '11'], '--seconds is a whole number from 12, and this is 11'],
  [['--rate', 'fast'], '--rate is a whole number from 100, and this is fast'],
  [['--heap', '63'], '--heap is a whole number from 64, and this is 63'],
  [['--protocol', 'smtp'], '--protocol is http, grpc or both, and this is smtp'],
])('the command refuses %j', async (args, message) => {
  const path = fileURLToPath(new URL('run.ts', import.meta.url));
  const stderr = await new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], { env: {} }, (_, _stdout, stderr) => resolve(stderr));
  });
  expect(stderr).toContain(message);
});

function sampleOf({ healthy }: SoakResult, changed: Partial<Phase['samples'][number]>): Phase['samples'][number] {
  return { ...(healthy.phase.samples[0] as Phase['samples'][number]), ...changed };
}

/** The same result, but for its first outage. */
function inFirst(change: (outage: Outage) => Outage): (result: SoakResult) => SoakResult {
  return (result) => ({ ...result, outages: result.outages.map((one, at) => (at === 0 ? change(one) : one)) });
}

function inDead(changed: Partial<Phase>): (result: SoakResult) => SoakResult {
  return inFirst((outage) => ({
    ...outage,
    dead: { ...outage.dead, phase: { ...outage.dead.phase, ...changed } },
  }));
}

function inBack(changed: Partial<Seen>): (result: SoakResult) => SoakResult {
  return inFirst((outage) => ({
    ...outage,
    back: { ...outage.back, seen: { ...outage.back.seen, ...changed } },
  }));
}

function growing(result: SoakResult): SoakResult {
  const [slice] = result.healthy.phase.slices;
  const slices = [1, 1, 2].map((mega) => ({ ...(slice as Phase['slices'][number]), heapBytes: mega * 1e6 }));
  return inDead({ slices })(result);
}

function atEnd(changed: Partial<Drained>): (result: SoakResult) => SoakResult {
  return (result) => ({ ...result, drained: { ...result.drained, ...changed } });
}

function storing(spans: number): (result: SoakResult) => SoakResult {
  return (result) => ({ ...result, stored: { ...result.stored, spans } });
}
