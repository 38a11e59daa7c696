// What is mutated: requests of each signal, in protobuf and in JSON, made from seeds by our own generators.

import type { SignalName } from '../../src/model/signal.ts';
import {
  decodeLogs,
  decodeMetrics,
  encodeLogsJson,
  encodeMetricsJson,
  encodeTraces,
  encodeTracesJson,
} from '../../src/otlp/index.ts';
import { bombs, logBombs, metricBombs } from '../support/bombs.ts';
import { generatedSpans } from '../support/spans.ts';

export type Format = 'protobuf' | 'json';

/** A body that a mutation begins with. */
export interface Specimen {
  readonly signal: SignalName;
  readonly format: Format;
  readonly bytes: Uint8Array;
}

/** Requests of some spans with everything in them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** Of each thing that a request can hold: few of them. */
const THINGS = 3;

/** Bodies that were found by fuzzing and handled wrongly once: signal, format, base64. Those stay sound. */
const FOUND: readonly (readonly [SignalName, Format, string])[] = [];

export function corpus(): readonly Specimen[] {
  const spans = SEEDS.map((seed) => generatedSpans({ seed, count: 1 + (seed % 4) }));
  return [
    ...spans.map((items) => protobuf('traces', encodeTraces(items))),
    ...spans.map((items) => json('traces', encodeTracesJson(items))),
    ...Object.values(bombs).map((make) => protobuf('traces', make(THINGS))),
    ...withoutIds(logBombs).map((make) => protobuf('logs', make(THINGS))),
    ...withoutIds(logBombs).map((make) => json('logs', encodeLogsJson(decodeLogs(make(THINGS))))),
    ...withoutIds(metricBombs).map((make) => protobuf('metrics', make(THINGS))),
    ...withoutIds(metricBombs).map((make) => json('metrics', encodeMetricsJson(decodeMetrics(make(THINGS))))),
    ...FOUND.map(([signal, format, text]) => ({ signal, format, bytes: Buffer.from(text, 'base64') })),
  ];
}

/** Without those whose ids are of a wrong length: they are no sound requests. */
function withoutIds(all: typeof bombs): (typeof bombs)[string][] {
  return Object.entries(all).flatMap(([name, make]) => (/ ids?$|trace id/.test(name) ? [] : [make]));
}

function protobuf(signal: SignalName, bytes: Uint8Array): Specimen {
  return { signal, format: 'protobuf', bytes };
}

function json(signal: SignalName, text: string | Uint8Array): Specimen {
  return { signal, format: 'json', bytes: Buffer.from(text) };
}
