/**
 * What encoding and decoding cost, beside the official packages: `node test/bench/codec.ts [--brief] [--json]`.
 *
 * The rounds are interleaved and the ratio is taken round by round, so that a busy machine moves the figures more than the ratios.
 */
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { traceRequest } from '../../src/otlp/schema.ts';
import { protobufjsSpans } from '../otlp/oracle-decode.ts';
import type { CodecKey } from './budgets.ts';
import { type Contestant, figureOf, measure, type RoundsOptions, ratioOf } from './support/rounds.ts';
import { machine, type Row, tableOf } from './support/table.ts';
import { bareSpans, recordedSpans, requestSpans, type Workload } from './support/workloads.ts';

export const CODEC_BRIEF: RoundsOptions = { rounds: 3, millisPerRound: 25 };
export const CODEC_FULL: RoundsOptions = { rounds: 15, millisPerRound: 150 };

/** Two ways to do the same. */
type Duel = <T>(
  what: string,
  inputs: readonly T[],
  items: number,
  ours: (input: T) => unknown,
  theirs: Rival<T>,
  budget?: CodecKey,
) => Row;

/** Each with the batches of a workload in turn. */
const duelFor =
  (options: RoundsOptions): Duel =>
  (what, inputs, items, ours, theirs, budget) => {
    const turn = (run: (input: (typeof inputs)[number]) => unknown): Contestant['run'] => {
      let at = 0;
      return () => run(inputs[at++ % inputs.length] as (typeof inputs)[number]);
    };
    const contestants = [
      { name: 'spanflow', run: turn(ours), items },
      { name: theirs.name, run: turn(theirs.run), items },
    ];
    const measured = measure(contestants, options);
    return {
      what,
      ours: figureOf(measured.get('spanflow') ?? []),
      against: theirs.name,
      theirs: figureOf(measured.get(theirs.name) ?? []),
      ratio: ratioOf(measured, 'spanflow', theirs.name),
      budget,
    };
  };

interface Rival<T> {
  readonly name: string;
  readonly run: (input: T) => unknown;
}

function encoding(duel: Duel, { name, batches }: Workload): Row {
  const run = (spans: (typeof batches)[number]): unknown => ProtobufTraceSerializer.serializeRequest(spans);
  const rival = { name: 'otlp-transformer', run };
  const budget = name === 'bare' ? 'encodeBare' : 'encode';
  return duel(`encodeTraces, ${name}`, batches, batches[0]?.length ?? 0, encodeTraces, rival, budget);
}

function encodingJson(duel: Duel, { name, batches }: Workload): Row {
  const run = (spans: (typeof batches)[number]): unknown => JsonTraceSerializer.serializeRequest(spans);
  const rival = { name: 'otlp-transformer', run };
  return duel(`encodeTracesJson, ${name}`, batches, batches[0]?.length ?? 0, encodeTracesJson, rival, 'encodeJson');
}

/** There is no other decoder to stand beside it: what reading the syntax alone costs. */
function decodingJson(duel: Duel, { name, batches }: Workload): Row {
  const bodies = batches.map((spans) => new TextDecoder().decode(encodeTracesJson(spans)));
  const rival = { name: 'JSON.parse alone', run: (text: string): unknown => JSON.parse(text) };
  return duel(`decodeTracesJson, ${name}`, bodies, batches[0]?.length ?? 0, decodeTracesJson, rival);
}

function decoding(duel: Duel, { name, batches }: Workload, rival: Rival<Uint8Array>): Row {
  const bodies = batches.map((spans) => encodeTraces(spans));
  return duel(`decodeTraces, ${name}`, bodies, batches[0]?.length ?? 0, decodeTraces, rival, 'decode');
}

/** protobufjs stops at messages; what a program needs is spans. */
const messagesOnly: Rival<Uint8Array> = { name: 'protobufjs, messages only', run: traceRequest.decode };
const messagesAndSpans: Rival<Uint8Array> = { name: 'protobufjs and spans of it', run: protobufjsSpans };

/** One after the other, so that none is measured while the garbage collector also walks through another. */
export function codecRows(options: RoundsOptions): Row[] {
  const duel = duelFor(options);
  const rows = [() => requestSpans(), () => recordedSpans(), () => bareSpans()].flatMap((workloadOf) => {
    const workload = workloadOf();
    return [
      encoding(duel, workload),
      decoding(duel, workload, messagesAndSpans),
      decoding(duel, workload, messagesOnly),
      encodingJson(duel, workload),
      decodingJson(duel, workload),
    ];
  });
  return rows.sort((a, b) => order(a) - order(b));
}

function order({ what }: Row): number {
  return ['encodeTraces,', 'decodeTraces,', 'encodeTracesJson,', 'decodeTracesJson,'].indexOf(what.split(' ')[0] ?? '');
}

if (import.meta.main) {
  const flags = new Set(process.argv.slice(2));
  const options = flags.has('--brief') ? CODEC_BRIEF : CODEC_FULL;
  const rows = codecRows(options);
  if (flags.has('--json')) {
    console.log(JSON.stringify({ machine: machine(), options, rows }, undefined, 2));
  } else {
    console.log(`${machine()}; batches of 512 spans; ${options.rounds} rounds`);
    console.log(tableOf(rows));
  }
}
