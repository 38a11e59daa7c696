import type { Taken } from '../programs/backend.ts';
import type { SpecificationInput, Specified, Whose } from '../programs/specification.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { inRounds, runOnce, withBackend } from '../support/children.ts';
import { figureText, lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

const PER_SECOND = 10_000;
const CONTESTANTS: readonly Whose[] = ['nothing', 'spanflow', 'official'];

const SETTINGS = [
  "as OpenTelemetry's specification has it (performance-benchmark.md): one integer attribute and one event a span, 15 s, 10 runs, the receiver in another process",
  'spanflow: spanPipeline({ sink: otlpHttp({ url }) }).processor, with its defaults',
  'official: BatchSpanProcessor and OTLPTraceExporter of exporter-trace-otlp-proto, with their defaults',
];

type Run = Specified & Taken;

/** What tracing costs a service, by the specification's own measure. It takes ten minutes, so it runs when it is asked for. */
export async function specification({ brief }: BenchOptions): Promise<Report> {
  const times = brief ? { warmUpMillis: 100, millis: 200 } : { warmUpMillis: 2_000, millis: 15_000 };
  const runs = await withBackend({ answerMillis: 0 }, (backend) =>
    inRounds<Whose, Run>(CONTESTANTS, brief ? 1 : 10, async (whose) => {
      const input: SpecificationInput = { whose, url: backend.url, perSecond: PER_SECOND, ...times };
      const result = await runOnce<Specified>('specification', input);
      return { ...result, ...(await backend.take()) };
    }),
  );
  const of = (whose: Whose) => (runs.get(whose) ?? []).map(({ cpuPercent }) => cpuPercent);
  const over = (whose: Whose) => of(whose).map((value, round) => value - (of('nothing')[round] ?? Number.NaN));
  const nothing = figureText(figureOf(of('nothing')), (value) => value.toFixed(1));
  return {
    title: `${PER_SECOND.toLocaleString('en')} spans/s of the specification's benchmark`,
    settings: SETTINGS,
    lines: [
      lineOf('specification', 'CPU, the whole process', '%', { spanflow: of('spanflow'), official: of('official') }),
      lineOf('specificationOver', 'over a processor that does nothing', '%', {
        spanflow: over('spanflow'),
        official: over('official'),
      }),
    ],
    notes: [`The processor that does nothing: ${nothing} %, which the making of the spans takes.`],
    accounts: (['spanflow', 'official'] as const).flatMap((who) =>
      (runs.get(who) ?? []).map((run) => ({ who, what: 'ended', offered: run.offered, taken: run.spans })),
    ),
  };
}
