/**
 * What relaying costs, OTLP/HTTP in and OTLP/HTTP out, beside a Collector that does the same: `node test/bench/relay.ts [--brief] [--json] [--profile <folder>]`. A sender, the relay and a backend that counts are processes of their own on
 * loopback; everybody runs once in each round.
 *
 * The Collector is built by `npm run interop`'s builder, once. Where there is no Go, or no Linux (whose `/proc` says how much CPU another program takes), it is left out, and a note says so.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectorBinary, NoCollector } from '../interop/collector/build.ts';
import { Child } from '../scenarios/child.ts';
import { openedCollector, openedRelay } from './relays/opened.ts';
import { type Relayed, relayed, type Sending } from './relays/relayed.ts';
import type { RelayName } from './relays/relays.ts';
import { type BenchOptions, found, type Report, show } from './support/benchmark.ts';
import { bundled } from './support/bundle.ts';
import { type Backend, inRounds, withBackend } from './support/children.ts';
import { columns } from './support/columns.ts';
import { figureText, type Line, lineOf, rounded } from './support/line.ts';
import { figureOf } from './support/rounds.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MIB = 1_048_576;

const RELAYS: readonly RelayName[] = ['bytes', 'views', 'filter', 'spanMetrics', 'decoded'];
const WORKLOADS = ['request', 'bare'] as const;
type Workload = (typeof WORKLOADS)[number];
type Name = RelayName | 'collector';

const TITLES: Readonly<Record<Name, string>> = {
  bytes: 'bytes as they came, by node:http alone',
  views: 'views: otlpReceiver, rebatch, otlpHttp',
  filter: 'the same, with a filter by attributeOf',
  spanMetrics: 'the same, with spanMetrics beside it',
  decoded: 'node:http, all decoded and encoded anew',
  collector: 'Collector: otlp, batch, otlp_http',
};

/** Spans a second that nobody here has trouble with: what is compared is what each of them costs. */
const RATES: Readonly<Record<Workload, number>> = { request: 30_000, bare: 60_000 };
const MEMORY_RATE = 10_000;
const SENDING = { requests: 32, spansPerRequest: 512, connections: 8, warmUpFactor: 2 };
const FULL = { rounds: 3, warmUpMillis: 3_000, millis: 1_500 };
const BRIEF = { rounds: 1, warmUpMillis: 100, millis: 150 };

/** What a run has at hand. */
interface Scene {
  readonly backend: Backend;
  /** Of the bundled relay, and of a program that does nothing. */
  readonly paths: { readonly relay: string; readonly bareNode: string };
  readonly collector: string | undefined;
  readonly profile: string | undefined;
  readonly times: typeof FULL;
}

export async function relay({ brief, profile }: BenchOptions): Promise<Report> {
  const { collector, note } = brief ? { collector: undefined, note: 'No Collector: not when briefly.' } : await built();
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-relay-'));
  try {
    const paths = { relay: join(folder, 'relay.mjs'), bareNode: join(folder, 'bareNode.mjs') };
    writeFileSync(paths.relay, await programBundle('relayProgram.ts', 'runRelay'));
    writeFileSync(paths.bareNode, await programBundle('bareProgram.ts', 'runBareNode'));
    const times = brief ? BRIEF : FULL;
    return await withBackend({ answerMillis: 0 }, (backend) =>
      measured({ backend, paths, collector, profile, times }, note),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function built(): Promise<{ collector: string | undefined; note: string }> {
  try {
    if (process.platform !== 'linux') throw new NoCollector('only Linux says how much CPU another program takes');
    return { collector: await collectorBinary(), note: 'Bars that name the official one are over the Collector.' };
  } catch (error) {
    if (!(error instanceof NoCollector)) throw error;
    return { collector: undefined, note: `NO COLLECTOR: nothing is compared with it, because ${error.message}.` };
  }
}

/** As users run it: from TypeScript, Node itself would take more memory. */
function programBundle(file: string, run: string): Promise<string> {
  const module = JSON.stringify(join(import.meta.dirname, 'relays', file));
  const program = `import { ${run} } from ${module}; ${run}();`;
  return bundled(program, ROOT, { external: ['@grpc/grpc-js'], minify: false });
}

async function measured(scene: Scene, note: string): Promise<Report> {
  const request = await costs(scene, 'request');
  const bare = await costs(scene, 'bare');
  const memory = await memories(scene);
  const processes = await scaled(scene);
  const { rounds, warmUpMillis, millis } = scene.times;
  const rates = `${rounded(RATES.request)} spans/s of ten attributes, ${rounded(RATES.bare)} bare ones`;
  return {
    title: 'Relaying over OTLP/HTTP, protobuf without compression',
    settings: [
      `${SENDING.connections} connections, requests of ${SENDING.spansPerRequest} spans, ${rates}; CPU of the relay's process alone, by the spans that it was sent`,
      `everybody: a process of their own in each of the rounds (${rounds}), ${warmUpMillis} ms to warm up at twice the rate, then ${millis} ms are measured`,
      'spanflow: bundled, with its defaults; the filter lets everything pass; the points of spanMetrics are not sent',
      'official: an OpenTelemetry Collector with the defaults of its parts, which passes on all and has neither filter nor metrics',
      'limit: a proxy on node:http that passes on each request as it came',
    ],
    lines: [...linesOf(request, bare), memoryLine(memory)],
    notes: [cpuTable(request, bare), ratioTable(request, bare), processesText(processes), note],
    accounts: [...accountsOf(request, 'ten attributes'), ...accountsOf(bare, 'bare')],
  };
}

type Runs = ReadonlyMap<Name, readonly Relayed[]>;

function costs(scene: Scene, workload: Workload): Promise<Map<Name, Relayed[]>> {
  const { rounds, ...times } = scene.times;
  const names: readonly Name[] = scene.collector === undefined ? RELAYS : [...RELAYS, 'collector'];
  const sending: Sending = { ...SENDING, ...times, workload, spansPerSecond: RATES[workload] };
  return inRounds(names, rounds, async (name, round) => {
    const { profile } = scene;
    const path = profile === undefined ? {} : { profile: `${profile}/relay-${workload}-${name}-${round}.cpuprofile` };
    return relayed([await opened(scene, name, path)], sending, scene.backend);
  });
}

function opened({ backend: { url }, paths, collector }: Scene, name: Name, given: { profile?: string } = {}) {
  if (name === 'collector') return openedCollector(collector ?? '', url);
  return openedRelay(paths.relay, { relay: name, url, isAnsweredLate: false, ...given });
}

interface Memories {
  readonly relayBytes: readonly number[];
  readonly bareBytes: readonly number[];
}

async function memories(scene: Scene): Promise<Memories> {
  const { rounds, ...times } = scene.times;
  // The peak is that of the whole run, so there is never more than this rate.
  const rate = { spansPerSecond: MEMORY_RATE, warmUpFactor: 1 };
  const sending: Sending = { ...SENDING, ...times, workload: 'request', ...rate };
  const runs = await inRounds(['relay', 'bare'] as const, rounds, async (name) => {
    if (name === 'bare') return bareNodeBytes(scene.paths.bareNode);
    const { peakBytes } = await relayed([await opened(scene, 'views')], sending, scene.backend);
    return peakBytes;
  });
  return { relayBytes: runs.get('relay') ?? [], bareBytes: runs.get('bare') ?? [] };
}

async function bareNodeBytes(path: string): Promise<number> {
  const child = new Child('../bench/programs/bareNode', {}, { boundMillis: 60_000, path });
  try {
    return await child.ask<number>('peakBytes');
  } finally {
    await child.end();
  }
}

/** As many spans as one relay bears, and two of them, whose senders wait until their spans have arrived. */
async function scaled(scene: Scene): Promise<Map<'one' | 'two', Relayed[]>> {
  const { rounds, ...times } = scene.times;
  const sending: Sending = { ...SENDING, ...times, workload: 'request', spansPerSecond: undefined };
  return inRounds(['one', 'two'] as const, rounds, async (count) => {
    const input = { relay: 'views', url: scene.backend.url, isAnsweredLate: true } as const;
    const open = () => openedRelay(scene.paths.relay, input);
    return relayed(count === 'one' ? [await open()] : [await open(), await open()], sending, scene.backend);
  });
}

const micros = ({ cpuMicros, spans }: Relayed): number => cpuMicros / spans;
const perCore = (run: Relayed): number => 1e6 / micros(run);

function linesOf(request: Runs, bare: Runs): Line[] {
  const line = (key: Line['key'], name: RelayName, runs: Runs, what: string) => {
    const official = runs.get('collector')?.map(perCore);
    const limit = runs.get('bytes')?.map(perCore) ?? [];
    const spanflow = runs.get(name)?.map(perCore) ?? [];
    return lineOf(key, what, 'spans/s of a core', { spanflow, limit, ...(official && { official }) });
  };
  return [
    line('relayRequest', 'views', request, 'passed on, ten attributes'),
    line('relayBare', 'views', bare, 'passed on, bare'),
    line('relayFilter', 'filter', request, 'a filter on an attribute, ten attributes'),
    line('relayMetrics', 'spanMetrics', request, 'spanMetrics, ten attributes'),
  ];
}

function memoryLine({ relayBytes, bareBytes }: Memories): Line {
  const spanflow = relayBytes.map((bytes, round) => (bytes - (bareBytes[round] ?? Number.NaN)) / MIB);
  return lineOf('relayMemory', `peak memory over bare Node at ${rounded(MEMORY_RATE)} spans/s`, 'MiB', { spanflow });
}

function cpuTable(request: Runs, bare: Runs): string {
  const cells = [...request.keys()].map((name) => [
    TITLES[name],
    ...[request, bare].map((runs) => figureText(figureOf((runs.get(name) ?? []).map(micros)), rounded)),
  ]);
  return `${columns([['µs of CPU a span', 'ten attributes', 'bare'], ...cells], new Set([0]))}\n`;
}

/** Round by round. */
function ratioTable(request: Runs, bare: Runs): string {
  const over = (runs: Runs, name: Name, other: Name) => {
    const others = runs.get(other) ?? [];
    const ratios = (runs.get(name) ?? []).flatMap((run, round) => {
      const beside = others[round];
      return beside === undefined ? [] : [micros(beside) / micros(run)];
    });
    return ratios.length === 0 ? '' : figureText(figureOf(ratios), rounded);
  };
  const cells = RELAYS.map((name) => [
    TITLES[name],
    ...[request, bare].flatMap((runs) => [over(runs, name, 'collector'), over(runs, name, 'decoded')]),
  ]);
  const headings = ['times less CPU than', 'Collector, ten', 'decoded, ten', 'Collector, bare', 'decoded, bare'];
  return `${columns([headings, ...cells], new Set([0]))}\n`;
}

function processesText(runs: Map<'one' | 'two', readonly Relayed[]>): string {
  const rate = ({ taken, seconds }: Relayed) => taken / seconds;
  const text = (count: 'one' | 'two') => `${figureText(figureOf((runs.get(count) ?? []).map(rate)), rounded)} spans/s`;
  return `As many as it bears, each answered when it has arrived, on ${availableParallelism()} cores that senders and backend share: one process ${text('one')}, two ${text('two')}.`;
}

function accountsOf(runs: Runs, what: string) {
  return [...runs].flatMap(([name, all]) =>
    all.map(({ spans, taken }) => ({ who: TITLES[name], what, offered: spans, taken })),
  );
}

if (import.meta.main) await show({ relay: (options) => found(relay(options)) });
