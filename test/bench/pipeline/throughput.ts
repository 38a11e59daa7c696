import { dataFolder } from '../../support/data.ts';
import type { Taken } from '../programs/backend.ts';
import type { Throughput, ThroughputInput, Whose } from '../programs/throughput.ts';
import type { Account, BenchOptions, Report } from '../support/benchmark.ts';
import { type Backend, inRounds, runOnce, withBackend } from '../support/children.ts';
import { figureText, type Line, lineOf, rounded } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';
import type { WorkloadName } from '../support/workloads.ts';

const WINDOW = 8_192;
const OFFICIAL = { maxQueueSize: 16_384, maxExportBatchSize: 1_024, scheduledDelayMillis: 1_000 };
const RAW = { spansPerRequest: 2_000, concurrency: 8 };

const CONTESTANTS: readonly Whose[] = ['spanflow', 'official', 'encoding and posting', 'raw posting'];

const WORKLOADS: readonly WorkloadName[] = ['request', 'recorded', 'bare'];

/** Who serves runs for hours: what the engine spends on compiling at first is not what a span costs. */
const FULL = { rounds: 5, warmUpMillis: 3_000, millis: 1_500 };
const BRIEF = { rounds: 1, warmUpMillis: 100, millis: 150 };

type Run = Throughput & Taken;

/** As many spans as can be delivered: what that comes to a second, and how much of a processor a span takes. */
export async function throughput(options: BenchOptions): Promise<Report> {
  const { rounds, warmUpMillis, millis } = options.brief ? BRIEF : FULL;
  // What is generated where no data is recorded is made for the tests: to be odd, and not to be usual.
  const workloads = WORKLOADS.filter((name) => name !== 'recorded' || dataFolder() !== undefined);
  const reports = await withBackend({ answerMillis: 0 }, async (backend) => {
    const each: Omit<Report, 'title' | 'settings'>[] = [];
    for (const workload of workloads) each.push(await oneWorkload(backend, workload, options));
    return each;
  });
  return {
    title: 'Spans offered as fast as they are delivered, to a backend on loopback that answers at once',
    settings: [
      `spanflow: spanPipeline({ sink: otlpHttp({ url }) }).processor, with its defaults`,
      `official: BatchSpanProcessor(${JSON.stringify(OFFICIAL)}) and OTLPTraceExporter of exporter-trace-otlp-proto: the fastest that was found`,
      `either: at most ${WINDOW} spans on their way, so that no queue overflows; prepared spans, handed to onEnd`,
      `everybody: a process of their own in each of the rounds (${rounds}), ${warmUpMillis} ms to warm up, then ${millis} ms are measured`,
      `limit: raw posting through undici, ${RAW.concurrency} requests at once of ${RAW.spansPerRequest} spans that were encoded beforehand`,
    ],
    lines: reports.flatMap(({ lines }) => lines),
    notes: reports.flatMap(({ notes }) => notes),
    accounts: reports.flatMap(({ accounts }) => accounts),
  };
}

async function oneWorkload(backend: Backend, workload: WorkloadName, { brief, profile }: BenchOptions) {
  const { rounds, ...times } = brief ? BRIEF : FULL;
  const runs = await inRounds<Whose, Run>(CONTESTANTS, rounds, async (whose, round) => {
    const settings = { whose, url: backend.url, workload, window: WINDOW, official: OFFICIAL, raw: RAW, ...times };
    const path = profile === undefined ? {} : { profile: `${profile}/${workload}-${whose}-${round}.cpuprofile` };
    const input: ThroughputInput = { ...settings, ...path };
    const result = await runOnce<Throughput>('throughput', input);
    return { ...result, ...(await backend.take()) };
  });
  const { name = workload, origin } = runs.get('spanflow')?.[0] ?? {};
  const what = workload === 'recorded' ? name : `${name} (${origin})`;
  return { lines: linesOf(workload, what, runs), notes: [noteOf(what, runs)], accounts: accountsOf(what, runs) };
}

function linesOf(workload: WorkloadName, what: string, runs: Map<Whose, Run[]>): Line[] {
  const of = (whose: Whose, figure: keyof Throughput) => (runs.get(whose) ?? []).map((run) => Number(run[figure]));
  const values = (figure: keyof Throughput) => ({
    spanflow: of('spanflow', figure),
    official: of('official', figure),
    limit: of('raw posting', figure),
  });
  const keys = (
    {
      request: ['requestRate', 'requestCpu'],
      recorded: ['recorded', 'recorded'],
      bare: ['bareRate', 'bareCpu'],
    } as const
  )[workload];
  return [
    lineOf(keys[0], `delivered, ${what}`, 'spans/s', values('spansPerSecond')),
    lineOf(keys[1], `CPU, ${what}`, 'µs a span', values('cpuMicrosPerSpan')),
  ];
}

/** What nobody on one thread can surpass who has spans and not bodies. */
function noteOf(what: string, runs: Map<Whose, Run[]>): string {
  const all = runs.get('encoding and posting') ?? [];
  const rate = figureOf(all.map((run) => run.spansPerSecond));
  const cpu = figureOf(all.map((run) => run.cpuMicrosPerSpan));
  const cpuText = figureText(cpu, (value) => value.toFixed(2));
  return `Encoding and posting, and nothing else, ${what}: ${figureText(rate, rounded)} spans/s at ${cpuText} µs of CPU`;
}

function accountsOf(what: string, runs: Map<Whose, Run[]>): Account[] {
  return [...runs].flatMap(([who, all]) => all.map(({ offered, spans }) => ({ who, what, offered, taken: spans })));
}
