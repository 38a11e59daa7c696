/**
 * What encoding and decoding cost, beside the official packages: `node test/bench/codec.ts [--brief] [--json] [--profile <folder>]`.
 *
 * Each task runs with each workload in processes of its own: most programs have one kind of items, and do one thing with them. What the
 * engine makes of the code and where it lays the items differs more from process to process than from round to round, so there are
 * several, of which each counts with the median of its rounds. A ratio is taken round by round: a busy machine moves the figures more
 * than it.
 */
import type { CodecKey } from './budgets.ts';
import type { CodecInput, CodecMeasured } from './programs/codec.ts';
import { type BenchOptions, type Found, show } from './support/benchmark.ts';
import { inRounds, runOnce } from './support/children.ts';
import type { LogTask } from './support/logCodec.ts';
import type { MetricTask } from './support/metricCodec.ts';
import { type Figure, figureOf, type Measured, ratioOf } from './support/rounds.ts';
import type { SpanTask } from './support/spanCodec.ts';
import { type Row, tableOf } from './support/table.ts';
import type { WorkloadName } from './support/workloads.ts';

const FULL = { processes: 7, warmUpMillis: 600, rounds: 5, millisPerRound: 80 };
const BRIEF = { processes: 1, warmUpMillis: 0, rounds: 2, millisPerRound: 20 };

const SPAN_TASKS: readonly SpanTask[] = [
  'encodeTraces',
  'decodeTraces',
  'relayTraces',
  'encodeTracesJson',
  'decodeTracesJson',
  'viewTracesJson',
];
const WORKLOADS: readonly WorkloadName[] = ['request', 'recorded', 'bare'];

type CodecName = `${SpanTask} ${WorkloadName}` | LogTask | MetricTask;

const NAMES: readonly CodecName[] = [
  ...SPAN_TASKS.flatMap((task) => WORKLOADS.map((workload) => `${task} ${workload}` as const)),
  'encodeLogs',
  'decodeLogs',
  'viewLogsJson',
  'encodeMetrics',
  'decodeMetrics',
  'viewMetricsJson',
];

/** What each is to reach beside any of the others. `decodeTracesJson` has none: what stands beside it does another thing. */
const BUDGETS: Partial<Record<CodecName, CodecKey>> = {
  'encodeTraces request': 'encode',
  'encodeTraces recorded': 'encode',
  'encodeTraces bare': 'encodeBare',
  'decodeTraces request': 'decode',
  'decodeTraces recorded': 'decode',
  'decodeTraces bare': 'decode',
  'encodeTracesJson request': 'encodeJson',
  'encodeTracesJson recorded': 'encodeJson',
  'encodeTracesJson bare': 'encodeJson',
  'viewTracesJson request': 'viewJson',
  'viewTracesJson recorded': 'viewJson',
  'viewTracesJson bare': 'viewJson',
  viewLogsJson: 'viewJson',
  viewMetricsJson: 'viewJson',
  encodeLogs: 'encodeLogs',
  decodeLogs: 'decodeLogs',
  encodeMetrics: 'encodeMetrics',
  decodeMetrics: 'decodeMetrics',
};

export async function codec({ brief, profile }: BenchOptions): Promise<Found> {
  const { processes, ...options } = brief ? BRIEF : FULL;
  const runs = await inRounds(NAMES, processes, (name, round) => {
    const [task, workload] = name.split(' ') as [SpanTask, WorkloadName] | [LogTask | MetricTask];
    const path = profile === undefined ? {} : { profile: `${profile}/${name.replace(' ', '-')}-${round}.cpuprofile` };
    return runOnce<CodecMeasured>('codec', {
      task,
      ...(workload && { workload }),
      options,
      ...path,
    } satisfies CodecInput);
  });
  const rows = [...runs].flatMap(([name, measured]) => rowsOf(measured, BUDGETS[name]));
  const title = `── Encoding and decoding, batches of 512 items; processes: ${processes}, each of ${options.rounds} rounds`;
  return { data: { processes, options, rows }, text: `${title}\n\n${tableOf(rows)}` };
}

/** One beside each of the others. */
function rowsOf(runs: readonly CodecMeasured[], budget: CodecKey | undefined): Row[] {
  const figure = (of: (nanos: Measured) => Figure) => figureOf(runs.map(({ nanos }) => of(nanos).median));
  const [first] = runs;
  const [ours = '', ...others] = Object.keys(first?.nanos ?? {});
  return others.map((against) => ({
    what: first?.what ?? '',
    ours: figure((nanos) => figureOf(nanos[ours] ?? [])),
    against,
    theirs: figure((nanos) => figureOf(nanos[against] ?? [])),
    ratio: figure((nanos) => ratioOf(nanos[ours] ?? [], nanos[against] ?? [])),
    budget,
  }));
}

if (import.meta.main) await show({ codec });
