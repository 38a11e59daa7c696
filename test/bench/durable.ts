/**
 * What a queue on disk costs, beside memory alone: `node test/bench/durable.ts [--brief] [--json] [--whole]`. Everybody runs in a process of their own, once in each round, on a directory of their own under the temporary one: what the disk takes is the machine's.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DurableInput, DurableRun, Keeping } from './programs/durable.ts';
import { type BenchOptions, found, type Report, show } from './support/benchmark.ts';
import { inRounds, runOnce } from './support/children.ts';
import { figureText, lineOf } from './support/line.ts';
import { figureOf } from './support/rounds.ts';

const MIB = 1_048_576;
const FULL = { rounds: 5, fillMillis: 2_000, pairs: 9, paceMillis: 3_000, recoveryBytes: 100 * MIB };
const BRIEF = { rounds: 1, fillMillis: 100, pairs: 1, paceMillis: 200, recoveryBytes: 2 * MIB };
const WHOLE_BYTES = 1_024 * MIB;
const NO_BOUND_MILLIS = 3_600_000;

const SETTINGS = [
  'spanflow: durable() whose backend is away, batches of 512 spans of ten attributes, 8 at a time',
  'limit: the same bytes in memory; of the bytes, those of the bodies',
  "delay: 40 such batches a second into durable(), sync 'full', less the same into a sink that does nothing; pairs of processes one after the other",
];

type Act = (input: Omit<DurableInput, 'directory'>) => Promise<DurableRun>;

export async function durable({ brief, whole = false }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-durable-'));
  const options = { ...(brief ? BRIEF : FULL), ...(whole && { recoveryBytes: WHOLE_BYTES }) };
  try {
    return await measured(folder, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(folder: string, options: typeof FULL): Promise<Report> {
  const act: Act = async (input) => {
    const directory = join(folder, input.keeping);
    mkdirSync(directory, { recursive: true });
    try {
      return await runOnce<DurableRun>('durable', { ...input, directory });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
  const fills = await inRounds<Keeping, DurableRun>(['full', 'normal', 'memory'], options.rounds, (keeping) =>
    act({ keeping, act: 'fill', millis: options.fillMillis }),
  );
  const paces = await inRounds<Keeping, DurableRun>(['full', 'nothing'], options.pairs, (keeping) =>
    act({ keeping, act: 'pace', millis: options.paceMillis }),
  );
  const recoveries = [];
  for (let round = 0; round < Math.min(3, options.rounds); round += 1)
    recoveries.push(await recovered(folder, options.recoveryBytes));
  return reportOf({ fills, paces, recoveries, bytes: options.recoveryBytes });
}

/** Fills a queue in a process that ends without closing it, and starts on what is left. */
async function recovered(folder: string, bytes: number): Promise<{ filled: DurableRun; found: DurableRun }> {
  const directory = join(folder, 'recovery');
  const common = { keeping: 'normal', directory, bytes, millis: NO_BOUND_MILLIS } as const;
  try {
    const filled = await runOnce<DurableRun>('durable', { ...common, act: 'fill' });
    return { filled, found: await runOnce<DurableRun>('durable', { ...common, act: 'recover' }) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Measured {
  readonly fills: ReadonlyMap<Keeping, DurableRun[]>;
  readonly paces: ReadonlyMap<Keeping, DurableRun[]>;
  readonly recoveries: readonly { readonly filled: DurableRun; readonly found: DurableRun }[];
  readonly bytes: number;
}

function reportOf({ fills, paces, recoveries, bytes }: Measured): Report {
  const of = (keeping: Keeping, figure: keyof DurableRun) => (fills.get(keeping) ?? []).map((run) => run[figure]);
  const beside = (keeping: Keeping, figure: keyof DurableRun) => ({
    spanflow: of(keeping, figure),
    limit: of('memory', figure),
  });
  const delays = (keeping: Keeping) => (paces.get(keeping) ?? []).map(({ delayMillis }) => delayMillis);
  const without = delays('nothing');
  const size = `${bytes / MIB} MiB`;
  const found = (figure: keyof DurableRun) => recoveries.map((run) => run.found[figure]);
  return {
    title: 'A queue on disk',
    settings: SETTINGS,
    lines: [
      lineOf('durableRate', "acknowledged, sync 'full'", 'batches/s', beside('full', 'batchesPerSecond')),
      lineOf('durableRateNormal', "acknowledged, sync 'normal'", 'batches/s', beside('normal', 'batchesPerSecond')),
      lineOf('durableP99', "until acknowledged, sync 'full', p99", 'ms', beside('full', 'p99Millis')),
      lineOf('durableP99Normal', "until acknowledged, sync 'normal', p99", 'ms', beside('normal', 'p99Millis')),
      lineOf('durableBytes', "written, sync 'full'", 'bytes/span', {
        spanflow: of('full', 'writtenBytesPerSpan'),
        limit: of('full', 'bodyBytesPerSpan'),
      }),
      lineOf('durableOpen', `start on ${size}, until it is open`, 'ms', { spanflow: found('openMillis') }),
      lineOf('durableDrain', `start on ${size}, until all is sent`, 'ms', { spanflow: found('drainMillis') }),
      lineOf('durableDelay', 'event-loop delay (resolution 1), p99 over the same without', 'ms', {
        spanflow: delays('full').map((millis, round) => millis - (without[round] ?? Number.NaN)),
      }),
    ],
    notes: [`Event-loop delay p99 of the same without: ${figureText(figureOf(without), (one) => one.toFixed(2))} ms`],
    accounts: recoveries.map(({ filled, found }) => ({
      ...{ who: 'spanflow', what: 'recovered, the batches of the warm-up too' },
      ...{ offered: filled.spans + 40 * 512, taken: found.spans },
    })),
  };
}

if (import.meta.main) await show({ durable: (options) => found(durable(options)) });
