import { ADAPTIVE_BATCH_DEFAULTS } from '../../../src/operators/adaptiveBatch/options.ts';
import type { Taken } from '../programs/backend.ts';
import type { Offered, OfferedInput, Whose } from '../programs/offered.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { inRounds, runOnce, withBackend } from '../support/children.ts';
import { lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

const PER_SECOND = 100_000;
const ANSWER_MILLIS = 50;
const LARGER = { maxQueueSize: 32_768, maxExportBatchSize: 2_000 };
const CONTESTANTS: readonly Whose[] = ['spanflow', 'official', 'official, larger'];

const SETTINGS = [
  'spanflow: spanPipeline({ sink: otlpHttp({ url }) }).processor, with its defaults',
  'official: BatchSpanProcessor and OTLPTraceExporter of exporter-trace-otlp-proto, with their defaults',
  'either: prepared spans of 10 attributes, handed to onEnd each millisecond, from a cold start; then a shutdown',
  `limit: as few requests as spans of ${ADAPTIVE_BATCH_DEFAULTS.maxExportBatchSize} each, the largest batch of the defaults, make`,
];

type Run = Offered & Taken;

/** More than one request at a time can carry: how much of it arrives, and in how many requests. */
export async function offered({ brief }: BenchOptions): Promise<Report> {
  const runs = await withBackend({ answerMillis: ANSWER_MILLIS }, (backend) =>
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
    title: `${PER_SECOND.toLocaleString('en')} spans/s offered, to a backend that answers after ${ANSWER_MILLIS} ms`,
    settings: SETTINGS,
    lines: [
      lineOf('delivered', 'delivered, all rounds', '%', {
        spanflow: [percent('spanflow')],
        official: [percent('official')],
      }),
      lineOf('requests', 'requests for them', 'in all', {
        spanflow: of('spanflow', requests),
        official: of('official', requests),
        limit: of('spanflow', fewest),
      }),
    ],
    notes: [
      `Offered within ${seconds} s. With ${JSON.stringify(LARGER)} the official processor delivers ${larger} %.`,
      ...lossesOf(runs.get('spanflow') ?? []),
    ],
    // What the official ones lose is the figure itself.
    accounts: (runs.get('spanflow') ?? []).map((run) => {
      return { who: 'spanflow', what: 'offered', offered: run.offered, taken: run.spans };
    }),
  };
}

function lossesOf(runs: readonly Run[]): string[] {
  const all = runs.map(({ losses }) => losses).filter((losses) => Object.keys(losses).length > 0);
  return all.map((losses) => `spanflow lost in a round: ${JSON.stringify(losses)}`);
}
