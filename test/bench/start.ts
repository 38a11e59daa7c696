/**
 * How long a program takes to start, beside the official packages and `rxjs`: `node test/bench/start.ts [--brief] [--json]`. It measures `dist`, which it builds if it is not there.
 *
 * Each import runs in a fresh process, once in each round.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchOptions, found, type Report, show } from './support/benchmark.ts';
import { inRounds, withBackend } from './support/children.ts';
import { lineOf } from './support/line.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The two pipelines each define a `processor`. */
const IMPORTS = {
  spanflow: `
    const { otlpHttp, spanPipeline } = await import('spanflow');
    const { processor } = spanPipeline({ sink: otlpHttp() });`,
  official: `
    const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace');
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
    const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });`,
  streams: "await import('spanflow/streams');",
  rxjs: "await import('rxjs');",
};

/** The rest of what happens until the first span has arrived. */
const FIRST_EXPORT = `
  const { TracerProvider } = await import('@opentelemetry/sdk-trace');
  const provider = new TracerProvider({ spanProcessors: [processor] });
  provider.getTracer('bench').startSpan('first').end();
  await processor.forceFlush();`;

const PROGRAMS = {
  ...IMPORTS,
  spanflowExport: IMPORTS.spanflow + FIRST_EXPORT,
  officialExport: IMPORTS.official + FIRST_EXPORT,
} as const;

export type StartName = keyof typeof PROGRAMS;
export const START_NAMES = Object.keys(PROGRAMS) as readonly StartName[];

export interface Started {
  readonly millis: number;
  /** Of all threads. */
  readonly cpuMillis: number;
}

/** Runs one of the programs in a fresh process, with the packages of a folder. */
export async function startedIn(folder: string, name: StartName, endpoint: string): Promise<Started> {
  const program = `
    const cpu = process.cpuUsage();
    const start = performance.now();
    ${PROGRAMS[name]}
    const millis = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ millis, cpuMillis: (user + system) / 1_000 }));
    process.exit();`;
  const options = { cwd: folder, env: { PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options);
  return JSON.parse(stdout) as Started;
}

export async function start({ brief }: BenchOptions): Promise<Report> {
  if (!existsSync(join(ROOT, 'dist', 'index.js'))) {
    execFileSync(process.execPath, [join(ROOT, '.tools', 'build.ts')], { stdio: 'ignore' });
  }
  const runs = await withBackend({ answerMillis: 0 }, ({ url }) =>
    inRounds(START_NAMES, brief ? 1 : 25, (name) => startedIn(ROOT, name, new URL('/', url).href)),
  );
  const of = (name: StartName, figure: keyof Started = 'millis') => (runs.get(name) ?? []).map((run) => run[figure]);
  const rxjs = of('rxjs', 'cpuMillis');
  const beyondRxjs = of('streams', 'cpuMillis').map((millis, round) => millis - (rxjs[round] ?? Number.NaN));
  return {
    title: 'Start of a program',
    settings: [
      'spanflow: spanPipeline({ sink: otlpHttp() }) of the built package, imported and constructed',
      'official: BatchSpanProcessor of sdk-trace and OTLPTraceExporter of exporter-trace-otlp-proto, imported and constructed',
      'first export: the same, then a provider, a span and a flush to a backend on loopback, which loads the HTTP client of both',
      'limit: the import of rxjs alone',
    ],
    lines: [
      lineOf('start', 'import and construction', 'ms', { spanflow: of('spanflow'), official: of('official') }),
      lineOf('startCpu', 'import and construction', 'ms of CPU', {
        spanflow: of('spanflow', 'cpuMillis'),
        official: of('official', 'cpuMillis'),
      }),
      lineOf('firstExport', 'first export', 'ms', { spanflow: of('spanflowExport'), official: of('officialExport') }),
      lineOf('streams', 'import of spanflow/streams', 'ms', { spanflow: of('streams'), limit: of('rxjs') }),
      lineOf('streamsBeyondRxjs', 'spanflow/streams less rxjs', 'ms of CPU', { spanflow: beyondRxjs }),
    ],
    notes: [],
    accounts: [],
  };
}

if (import.meta.main) await show({ start: (options) => found(start(options)) });
