import type { Taken } from '../programs/backend.ts';
import type { Latency, LatencyInput, Whose } from '../programs/latency.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { inRounds, runOnce, withBackend } from '../support/children.ts';
import { figureText, lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

const PER_SECOND = 20_000;
const CONTESTANTS: readonly Whose[] = ['idle', 'nothing', 'spanflow', 'official'];

const SETTINGS = [
  'spanflow: spanPipeline({ sink: otlpHttp({ url }) }).processor, with its defaults',
  'official: BatchSpanProcessor and OTLPTraceExporter of exporter-trace-otlp-proto, with their defaults',
  'either: spans of a TracerProvider, 10 attributes set one by one, ended each millisecond',
];

type Run = Latency & Taken;

/** What the observed program notices: how long `span.end()` takes, and how late its event loop gets. */
export async function latency({ brief }: BenchOptions): Promise<Report> {
  const times = brief ? { warmUpMillis: 100, millis: 200 } : { warmUpMillis: 1_500, millis: 3_000 };
  const runs = await withBackend({ answerMillis: 0 }, (backend) =>
    inRounds<Whose, Run>(CONTESTANTS, brief ? 1 : 5, async (whose) => {
      const input: LatencyInput = { whose, url: backend.url, perSecond: PER_SECOND, ...times };
      const result = await runOnce<Latency>('latency', input);
      return { ...result, ...(await backend.take()) };
    }),
  );
  const of = (whose: Whose, figure: 'endMicros' | 'loopMillis') => (runs.get(whose) ?? []).map((run) => run[figure]);
  const over = (base: Whose, whose: Whose, figure: 'endMicros' | 'loopMillis') => {
    const baseline = of(base, figure);
    return of(whose, figure).map((value, round) => value - (baseline[round] ?? Number.NaN));
  };
  return {
    title: `Spans that end ${PER_SECOND.toLocaleString('en')} times a second, to a backend on loopback`,
    settings: SETTINGS,
    lines: [
      lineOf('endOfSpan', 'span.end(), p99.9 over a processor that does nothing', 'µs', {
        spanflow: over('nothing', 'spanflow', 'endMicros'),
        official: over('nothing', 'official', 'endMicros'),
      }),
      lineOf('loopDelay', 'event-loop delay (resolution 1), p99 over an idle process', 'ms', {
        spanflow: over('idle', 'spanflow', 'loopMillis'),
        official: over('idle', 'official', 'loopMillis'),
      }),
    ],
    notes: [
      `The processor that does nothing: span.end() p99.9 ${microText(of('nothing', 'endMicros'))} µs, event-loop delay p99 over an idle process ${milliText(over('idle', 'nothing', 'loopMillis'))} ms, which the making of the spans takes.`,
    ],
    accounts: ['spanflow' as const, 'official' as const].flatMap((who) =>
      (runs.get(who) ?? []).map((run) => ({ who, what: 'ended', offered: run.offered, taken: run.spans })),
    ),
  };
}

function microText(values: readonly number[]): string {
  return figureText(figureOf(values), (value) => value.toFixed(1));
}

function milliText(values: readonly number[]): string {
  return figureText(figureOf(values), (value) => value.toFixed(2));
}
