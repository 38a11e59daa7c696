/**
 * How long a program takes to start, beside the official packages and `rxjs`: `node test/bench/start.ts [--brief] [--json]`. It measures `dist`, which it builds if it is not there.
 *
 * Each import runs in a fresh process, once in each round.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchOptions, found, type Report, show } from './support/benchmark.ts';
import { bundled } from './support/bundle.ts';
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
  // Programs that use operators import RxJS, too.
  streams: "await import('rxjs'); await import('spanflow/streams');",
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
export function startedIn(folder: string, name: StartName, endpoint: string): Promise<Started> {
  return startedBy(PROGRAMS[name], folder, endpoint);
}

async function startedBy(body: string, folder: string, endpoint: string): Promise<Started> {
  const program = `
    const cpu = process.cpuUsage();
    const start = performance.now();
    ${body}
    const millis = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ millis, cpuMillis: (user + system) / 1_000 }));
    process.exit();`;
  const options = { cwd: folder, env: { PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options);
  return JSON.parse(stdout) as Started;
}

const BUNDLED = ['spanflow', 'official'] as const;

/** The same imports at the head of an ES module, from which a bundler takes what is used. */
function moduleOf(name: (typeof BUNDLED)[number]): string {
  return IMPORTS[name].replaceAll(/const (\{.*\}) = await import\((.*)\);/g, 'import $1 from $2;');
}

interface Bundles {
  readonly runs: Map<(typeof BUNDLED)[number], Started[]>;
  /** What spanflow adds to a bundle, with RxJS, and without undici. */
  readonly kilobytes: number;
}

async function bundles(rounds: number): Promise<Bundles> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-start-'));
  const fileOf = (name: string) => join(folder, `${name}.mjs`);
  try {
    for (const name of BUNDLED) writeFileSync(fileOf(name), await bundled(moduleOf(name), ROOT));
    const runs = await inRounds(BUNDLED, rounds, (name) =>
      startedBy(`await import(${JSON.stringify(fileOf(name))});`, folder, 'http://127.0.0.1:9/'),
    );
    const withoutUndici = await bundled(moduleOf('spanflow'), ROOT, { external: ['undici'] });
    return { runs, kilobytes: Buffer.byteLength(withoutUndici) / 1_000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function start({ brief }: BenchOptions): Promise<Report> {
  if (!existsSync(join(ROOT, 'dist', 'index.js'))) {
    execFileSync(process.execPath, [join(ROOT, '.tools', 'build.ts')], { stdio: 'ignore' });
  }
  const rounds = brief ? 1 : 25;
  const bundle = await bundles(rounds);
  const runs = await withBackend({ answerMillis: 0 }, ({ url }) =>
    inRounds(START_NAMES, rounds, (name) => startedIn(ROOT, name, new URL('/', url).href)),
  );
  const of = (name: StartName, figure: keyof Started = 'millis') => (runs.get(name) ?? []).map((run) => run[figure]);
  const inBundle = (name: (typeof BUNDLED)[number], figure: keyof Started) =>
    (bundle.runs.get(name) ?? []).map((run) => run[figure]);
  const rxjs = of('rxjs', 'cpuMillis');
  const beyondRxjs = of('streams', 'cpuMillis').map((millis, round) => millis - (rxjs[round] ?? Number.NaN));
  return {
    title: 'Start of a program',
    settings: [
      'spanflow: spanPipeline({ sink: otlpHttp() }) of the built package, imported and constructed',
      'official: BatchSpanProcessor of sdk-trace and OTLPTraceExporter of exporter-trace-otlp-proto, imported and constructed',
      'bundled: the same in one minified ES module each',
      'first export: the same, then a provider, a span and a flush to a backend on loopback, which loads the HTTP client of both',
      'limit: the import of rxjs alone',
    ],
    lines: [
      lineOf('start', 'import and construction', 'ms', { spanflow: of('spanflow'), official: of('official') }),
      lineOf('startCpu', 'import and construction', 'ms of CPU', {
        spanflow: of('spanflow', 'cpuMillis'),
        official: of('official', 'cpuMillis'),
      }),
      lineOf('startBundled', 'the same, bundled', 'ms', {
        spanflow: inBundle('spanflow', 'millis'),
        official: inBundle('official', 'millis'),
      }),
      lineOf('startBundledCpu', 'the same, bundled', 'ms of CPU', {
        spanflow: inBundle('spanflow', 'cpuMillis'),
        official: inBundle('official', 'cpuMillis'),
      }),
      lineOf('bundle', 'bundle with RxJS, minified, without undici', 'kB', { spanflow: [bundle.kilobytes] }),
      lineOf('firstExport', 'first export', 'ms', { spanflow: of('spanflowExport'), official: of('officialExport') }),
      lineOf('firstExportCpu', 'first export', 'ms of CPU', {
        spanflow: of('spanflowExport', 'cpuMillis'),
        official: of('officialExport', 'cpuMillis'),
      }),
      lineOf('streams', 'import of rxjs and spanflow/streams', 'ms', { spanflow: of('streams'), limit: of('rxjs') }),
      lineOf('streamsBeyondRxjs', 'spanflow/streams less rxjs', 'ms of CPU', { spanflow: beyondRxjs }),
    ],
    notes: [],
    accounts: [],
  };
}

if (import.meta.main) await show({ start: (options) => found(start(options)) });
