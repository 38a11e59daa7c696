/**
 * What receiving costs: `node test/bench/receive.ts [--brief] [--json]`. Requests come over loopback from another process; no two of
 * them have ids or times in common. Their spans are decoded, a few attributes of each are read, and the spans are kept until there are
 * 10,000 of them.
 *
 * Each decoder runs in a process of its own, once in each round.
 */

import { Child } from '../scenarios/child.ts';
import type { DecoderName, Received, ReceiverInput } from './programs/receiver.ts';
import type { SenderInput } from './programs/sender.ts';
import { type BenchOptions, type Found, show } from './support/benchmark.ts';
import { inRounds } from './support/children.ts';
import { columns } from './support/columns.ts';
import { figureText, rounded } from './support/line.ts';
import { type Figure, figureOf } from './support/rounds.ts';
import type { WorkloadName } from './support/workloads.ts';

const FULL = { rounds: 5, requests: 200, warmUps: 1, turns: 3 };
const BRIEF = { rounds: 1, requests: 8, warmUps: 0, turns: 1 };
const SPANS_PER_REQUEST = 512;
const CONNECTIONS = 4;
const MAX_HELD_SPANS = 10_000;
const BOUND_MILLIS = 600_000;

const WORKLOADS: readonly WorkloadName[] = ['request', 'recorded', 'bare'];
const DECODERS: readonly DecoderName[] = ['spanflow', 'protobufjs', 'none'];

const NAMES: Readonly<Record<DecoderName, string>> = {
  spanflow: 'spanflow',
  protobufjs: 'protobufjs and spans of it',
  none: 'HTTP alone',
};

interface ReceiveLine {
  readonly workload: WorkloadName;
  readonly decoder: DecoderName;
  readonly nanosPerSpan: Figure;
  readonly peakHeapMegabytes: Figure;
  readonly heldBytesPerSpan: Figure;
}

interface Run {
  readonly nanosPerSpan: number;
  readonly peakHeapMegabytes: number;
  readonly heldBytesPerSpan: number;
}

export async function receive({ brief }: BenchOptions): Promise<Found> {
  const options = brief ? BRIEF : FULL;
  const names = WORKLOADS.flatMap((workload) => DECODERS.map((decoder) => `${workload} ${decoder}` as const));
  const runs = await inRounds(names, options.rounds, (name) => {
    const [workload, decoder] = name.split(' ') as [WorkloadName, DecoderName];
    return receiveOnce(workload, decoder, options);
  });
  const lines = [...runs].map(([name, all]) => lineOf(name.split(' ') as [WorkloadName, DecoderName], all));
  return { data: { options, lines }, text: textOf(lines) };
}

async function receiveOnce(workload: WorkloadName, decoder: DecoderName, options: typeof FULL): Promise<Run> {
  const input: ReceiverInput = { decoder, maxHeldSpans: MAX_HELD_SPANS };
  const receiver = new Child('../bench/programs/receiver', input, { boundMillis: BOUND_MILLIS });
  try {
    const origin = await receiver.ask<string>('listen');
    const sender = senderTo(origin, workload, options.requests);
    try {
      for (let turn = 0; turn < options.warmUps; turn++) await sender.ask('send');
      await receiver.ask('take');
      let sent = 0;
      for (let turn = 0; turn < options.turns; turn++) sent += await sender.ask<number>('send');
      const { cpuMicros, peakHeapBytes } = await receiver.ask<Received>('take');
      const heldBytesPerSpan = await receiver.ask<number>('held');
      return { nanosPerSpan: (cpuMicros * 1_000) / sent, peakHeapMegabytes: peakHeapBytes / 1e6, heldBytesPerSpan };
    } finally {
      await sender.end();
    }
  } finally {
    await receiver.end();
  }
}

function senderTo(origin: string, workload: WorkloadName, requests: number): Child {
  const input: SenderInput = {
    ...{ workload, requests, origin, spansPerRequest: SPANS_PER_REQUEST, connections: CONNECTIONS },
    ...(process.env.SPANFLOW_DATA !== undefined && { data: process.env.SPANFLOW_DATA }),
  };
  return new Child('../bench/programs/sender', input, { boundMillis: BOUND_MILLIS });
}

function lineOf([workload, decoder]: [WorkloadName, DecoderName], runs: readonly Run[]): ReceiveLine {
  const figure = (name: keyof Run) => figureOf(runs.map((run) => run[name]));
  return {
    ...{ workload, decoder, nanosPerSpan: figure('nanosPerSpan') },
    ...{ peakHeapMegabytes: figure('peakHeapMegabytes'), heldBytesPerSpan: figure('heldBytesPerSpan') },
  };
}

function textOf(lines: readonly ReceiveLine[]): string {
  const cells = lines.map(({ workload, decoder, nanosPerSpan, peakHeapMegabytes, heldBytesPerSpan }) => [
    workload,
    NAMES[decoder],
    ...[nanosPerSpan, peakHeapMegabytes, heldBytesPerSpan].map((figure) => figureText(figure, rounded)),
  ]);
  const headings = ['', '', 'ns of CPU a span', 'peak heap, MB', 'heap for each held span, bytes'];
  const title = `── Receiving over HTTP, requests of ${SPANS_PER_REQUEST} spans, kept until there are ${MAX_HELD_SPANS}`;
  return `${title}\n\n${columns([headings, ...cells], new Set([0, 1]))}`;
}

if (import.meta.main) await show({ receive });
