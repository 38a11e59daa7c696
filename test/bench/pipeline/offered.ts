import { ADAPTIVE_BATCH_DEFAULTS } from '../../../src/operators/adaptiveBatch/options.ts';
import type { Taken } from '../programs/backend.ts';
import type { Offered, OfferedInput, Whose } from '../programs/offered.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { inRounds, runOnce, withBackend } from '../support/children.ts';
import { lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

const PER_SECOND = 100_000;
/** A backend nearby, and one that is far away. */
const DISTANCES = [
  { answerMillis: 50, delivered: 'delivered', requests: 'requests' },
  { answerMillis: 200, delivered: 'deliveredFar', requests: 'requestsFar' },
] as const;
const LARGER = { maxQueueSize: 32_768, maxExportBatchSize: 2_000 };
const CONTESTANTS: readonly Whose[] = ['spanflow', 'official', 'official, larger'];

const SETTINGS = [
  'spanflow: spanPipeline({ sink: otlpHttp({ url }) }).processor, with its defaults',
  'official: BatchSpanProcessor and OTLPTraceExporter of exporter-trace-otlp-proto, with their defaults',
  'either: prepared spans of 10 attributes, handed to onEnd each millisecond, from a cold start; then a shutdown',
  `limit: as few requests as spans of ${ADAPTIVE_BATCH_DEFAULTS.maxExportBatchSize} each, the largest batch of the defaults, make`,
];

type Run = Offered & Taken;
type Distance = (typeof DISTANCES)[number];

/** More than one request at a time can carry: how much of it arrives, and in how many requests. */
export async function offered(options: BenchOptions): Promise<Report> {
  const parts: Omit<Report, 'title' | 'settings'>[] = [];
  for (const distance of DISTANCES) parts.push(await offeredTo(distance, options));
  return {
    title: `${PER_SECOND.toLocaleString('en')} spans/s offered, to a backend that answers after ${DISTANCES.map(({ answerMillis }) => answerMillis).join(' or ')} ms`,
    settings: SETTINGS,
    lines: parts.flatMap(({ lines }) => lines),
    notes: parts.flatMap(({ notes }) => notes),
    accounts: parts.flatMap(({ accounts }) => accounts),
  };
}

async function offeredTo(distance: Distance, { brief }: BenchOptions): Promise<Omit<Report, 'title' | 'settings'>> {
  const { answerMillis } = distance;
  const runs = await withBackend({ answerMillis }, (backend) =>
    inRounds<Whose, Run>(CONTESTANTS, brief ? 1 : 5, async (whose) => {
      const millis = brief ? 250 : 3_000;
      const input: OfferedInput = { whose, url: backend.url, perSecond: PER_SECOND, millis, larger: LARGER };
      const result = await runOnce<Offered>('offered', input);
      return { ...result, ...(await backend.take()) };
    }),
  );
  const of = (whose: Whose, figure: (run: Run) => number) => (runs.get(whose) ?? []).map(figure);
  const sum = (whose: Whose, figure: 'spans' | 'offered') => of(whose, (run) => run[figure]).reduce((a, b) => a + b, 0);
  // Of all rounds together: a median would hide the one in which something was lost. Rounded down: 100 means all.
  const percent = (whose: Whose) => Math.floor((1_000 * sum(whose, 'spans')) / sum(whose, 'offered')) / 10;
  const fewest = (run: Run) => Math.ceil(run.offered / ADAPTIVE_BATCH_DEFAULTS.maxExportBatchSize);
  const requests = (run: Run) => run.requests;
  const larger = percent('official, larger');
  const seconds = figureOf(of('spanflow', (run) => run.seconds)).median.toFixed(2);
  return {
    lines: [
      lineOf(distance.delivered, `delivered at ${answerMillis} ms, all rounds`, '%', {
        spanflow: [percent('spanflow')],
        official: [percent('official')],
      }),
      lineOf(distance.requests, `requests for them, at ${answerMillis} ms`, 'in all', {
        spanflow: of('spanflow', requests),
        official: of('official', requests),
        limit: of('spanflow', fewest),
      }),
    ],
    notes: [
      `At ${answerMillis} ms: offered within ${seconds} s. With ${JSON.stringify(LARGER)} the official processor delivers ${larger} %.`,
      ...lossesOf(runs.get('spanflow') ?? []),
    ],
    // What the official ones lose is the figure itself.
    accounts: (runs.get('spanflow') ?? []).map((run) => {
      return { who: 'spanflow', what: `offered at ${answerMillis} ms`, offered: run.offered, taken: run.spans };
    }),
  };
}

function lossesOf(runs: readonly Run[]): string[] {
  const all = runs.map(({ losses }) => losses).filter((losses) => Object.keys(losses).length > 0);
  return all.map((losses) => `spanflow lost in a round: ${JSON.stringify(losses)}`);
}
