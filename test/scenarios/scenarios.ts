// What is compared. No scenario knows who is sending.

/** How a backend behaves, in seconds since its traffic began. */
export interface BackendPlan {
  /** Requests of this time are answered by a 503, or their connection is reset. Nothing of them is taken. */
  readonly outage?: { readonly by: '503' | 'reset'; readonly fromSeconds: number; readonly toSeconds: number };
  /** After so long it is closed in the midst of what it does, and listens again at the same port after a moment. */
  readonly restarts?: { readonly everySeconds: number; readonly downMillis: number };
  /** The share of requests, at random, that are answered by a 503. The same ones in each run. */
  readonly refusedRatio?: number;
  /** How long the answer to the first request takes. Default 0. */
  readonly firstAnswerMillis?: number;
}

/** How many spans end, evenly over so many seconds; 0: all in one tick. */
export interface Traffic {
  readonly spans: number;
  readonly seconds: number;
}

export interface Scenario {
  readonly key: string;
  readonly title: string;
  readonly backend: BackendPlan;
  readonly traffic: Traffic;
  /** When the backend's spans are counted: when `forceFlush` has resolved, or after the shutdown. */
  readonly countAt: 'flush' | 'shutdown';
}

/** @param seconds how long the traffic of a, b, e and f lasts; the middle half of a and b is the outage */
export function scenariosOf(seconds: number): readonly Scenario[] {
  const traffic = { spans: 1_000 * seconds, seconds };
  const [fromSeconds, toSeconds] = [seconds / 4, (seconds * 3) / 4];
  const steady = `1,000 spans/s for ${seconds} s, ${toSeconds - fromSeconds} s of`;
  return [
    {
      key: 'a',
      title: `${steady} 503`,
      backend: { outage: { by: '503', fromSeconds, toSeconds } },
      traffic,
      countAt: 'shutdown',
    },
    {
      key: 'b',
      title: `${steady} resets`,
      backend: { outage: { by: 'reset', fromSeconds, toSeconds } },
      traffic,
      countAt: 'shutdown',
    },
    {
      key: 'c',
      title: '10,000 spans in one tick',
      backend: {},
      traffic: { spans: 10_000, seconds: 0 },
      countAt: 'shutdown',
    },
    {
      key: 'd',
      title: '600 spans, first answer after 400 ms, at forceFlush',
      backend: { firstAnswerMillis: 400 },
      traffic: { spans: 600, seconds: 0 },
      countAt: 'flush',
    },
    {
      key: 'e',
      title: `1,000 spans/s for ${seconds} s, restarted every second`,
      backend: { restarts: { everySeconds: 1, downMillis: 100 } },
      traffic,
      countAt: 'shutdown',
    },
    {
      key: 'f',
      title: `1,000 spans/s for ${seconds} s, half of all answers 503`,
      backend: { refusedRatio: 0.5 },
      traffic,
      countAt: 'shutdown',
    },
  ];
}
