import type { Isolation, IsolationInput, Whose } from '../programs/isolation.ts';
import type { TakenInTime } from '../programs/timedBackend.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { type Backend, inRounds, runOnce, withBackend, withTimedBackend } from '../support/children.ts';
import { lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

const PER_SECOND = 20_000;
const SLOW_MILLIS = 2_000;
/** The longest that a timer waits: no run sees the end of it. */
const NEVER_MILLIS = 2 ** 31 - 1;
const CONTESTANTS: readonly Whose[] = ['alone', 'among'];

const FULL = { rounds: 7, warmUpMillis: 3_000, millis: 4_000 };
const BRIEF = { rounds: 1, warmUpMillis: 100, millis: 300 };

const SETTINGS = [
  'spanflow: spanPipeline({ sinks: { good, slow, dead } }).processor, otlpHttp sinks, the last two required: false, all else by its defaults',
  `slow: a backend that answers after ${SLOW_MILLIS.toLocaleString('en')} ms; dead: one that takes requests and never answers; good: one that answers at once`,
  'limit: spanPipeline({ sink: good }).processor, in the same round',
  'either: prepared spans of 10 attributes, handed to onEnd each millisecond; timed from there until the good backend has read the request',
];

type Run = Isolation & TakenInTime;
type Runs = Map<Whose, Run[]>;

/** What a branch notices of two others, of which one is slow and one is dead. */
export async function isolation({ brief }: BenchOptions): Promise<Report> {
  const { rounds, ...times } = brief ? BRIEF : FULL;
  const runs = await withBackends((good, slowUrl, deadUrl) =>
    inRounds<Whose, Run>(CONTESTANTS, rounds, async (whose) => {
      const input: IsolationInput = { whose, url: good.url, slowUrl, deadUrl, perSecond: PER_SECOND, ...times };
      const result = await runOnce<Isolation>('isolation', input);
      return { ...result, ...(await good.take()) };
    }),
  );
  const of = (figure: keyof Run) => ({
    spanflow: valuesOf(runs, 'among', figure),
    limit: valuesOf(runs, 'alone', figure),
  });
  const overflowed = Math.min(...valuesOf(runs, 'among', 'overflowed'));
  return {
    title: `${PER_SECOND.toLocaleString('en')} spans/s to three backends, of which one is slow and one is dead: what the third notices`,
    settings: SETTINGS,
    lines: [
      lineOf('goodDelivered', 'delivered to the good one, all rounds', '%', {
        spanflow: [percent(runs, 'among')],
        limit: [percent(runs, 'alone')],
      }),
      lineOf('goodMedian', 'from the end of a span to the good backend, p50', 'ms', of('p50Millis')),
      lineOf('goodP99', 'from the end of a span to the good backend, p99', 'ms', of('p99Millis')),
      lineOf('isolationMemory', 'peak memory of the process', 'MB', of('peakMegabytes')),
    ],
    notes: [
      ...(['p50Millis', 'p99Millis'] as const).map((figure) => differenceText(runs, figure)),
      `The queue of the dead branch overflowed by at least ${overflowed.toLocaleString('en')} spans in each round.`,
    ],
    accounts: CONTESTANTS.flatMap((whose) =>
      (runs.get(whose) ?? []).map(({ offered, spans }) => {
        return { who: 'spanflow', what: `ended, for the good backend ${whose}`, offered, taken: spans };
      }),
    ),
  };
}

function withBackends<T>(
  work: (good: Backend<TakenInTime>, slowUrl: string, deadUrl: string) => Promise<T>,
): Promise<T> {
  return withTimedBackend((good) =>
    withBackend({ answerMillis: SLOW_MILLIS }, (slow) =>
      withBackend({ answerMillis: NEVER_MILLIS }, (dead) => work(good, slow.url, dead.url)),
    ),
  );
}

function valuesOf(runs: Runs, whose: Whose, figure: keyof Run): number[] {
  return (runs.get(whose) ?? []).map((run) => run[figure]);
}

/** Of all rounds together, rounded down: 100 means all. */
function percent(runs: Runs, whose: Whose): number {
  const sum = (figure: 'spans' | 'offered') => valuesOf(runs, whose, figure).reduce((one, other) => one + other, 0);
  return Math.floor((1_000 * sum('spans')) / sum('offered')) / 10;
}

/** Pair by pair: what slows a whole round down leaves the difference alone. */
function differenceText(runs: Runs, figure: 'p50Millis' | 'p99Millis'): string {
  const alone = valuesOf(runs, 'alone', figure);
  const over = valuesOf(runs, 'among', figure).map((value, round) => value - (alone[round] ?? Number.NaN));
  const { median, low, high } = figureOf(over);
  const [least, most] = [Math.min(...over), Math.max(...over)];
  const text = (value: number) => value.toFixed(2);
  return `${figure.slice(0, 3)} over a single pipeline, in ${over.length} pairs: ${text(median)} ms, half of the pairs from ${text(low)} to ${text(high)}, all from ${text(least)} to ${text(most)}.`;
}
