import type { MetricDataPoint } from '../../src/model/metricDataPoint.ts';
import type { SignalItems, SignalName } from '../../src/model/signal.ts';
import { decodeLogs, decodeMetrics, decodeTraces, type ResourceMetrics } from '../../src/otlp/index.ts';
import { addressesOf, Collector, freePorts } from './collector/collector.ts';
import { fileOf, SIGNALS, toFiles } from './collector/configuration.ts';
import { firstDifference } from './difference.ts';
import type { Entry } from './entry.ts';
import { SEND, type Sent } from './pipelines.ts';
import { receivedEntries } from './received.ts';
import { sentPoints, sentRecords, sentSpans } from './sent.ts';
import type { Way } from './ways.ts';

/** What became of the items of one signal that were sent in one way. */
export interface Finding {
  readonly way: string;
  readonly signal: SignalName;
  readonly items: number;
  /** The first thing that is not as it was sent, or `undefined`. */
  readonly difference: string | undefined;
}

/** Sends all signals to a Collector of its own, stops it, and reads its files. */
export async function findingsOf(way: Way, binary: string): Promise<Finding[]> {
  const ports = await freePorts();
  const collector = await Collector.start(binary, toFiles([{ ports }]));
  try {
    const addresses = addressesOf(ports);
    const sent = {
      traces: await SEND.traces(way.open('traces', addresses)),
      logs: await SEND.logs(way.open('logs', addresses)),
      metrics: await SEND.metrics(way.open('metrics', addresses)),
    };
    await collector.stop();
    return SIGNALS.map((signal) => {
      const { entries } = sent[signal];
      const difference = differenceIn(collector, signal, sent[signal]);
      return { way: way.name, signal, items: entries.length, difference };
    });
  } finally {
    collector.remove();
  }
}

/** The first thing in a Collector's files that is not as it was sent, or `undefined`. */
export function differenceIn(collector: Collector, signal: SignalName, { entries, trouble }: Sent): string | undefined {
  if (trouble !== undefined) return trouble;
  const lines = collector.file(fileOf(signal, 'json')).toString();
  const difference = firstDifference(entries, receivedEntries(signal, lines));
  if (difference !== undefined) return difference;
  const decoded = firstDifference(entries, decodedEntries(signal, collector.file(fileOf(signal, 'proto'))));
  return decoded && `decoded by us from what the Collector wrote in protobuf: ${decoded}`;
}

/** The same items as our decoders read them, of which the Collector is the sender here. */
function decodedEntries(signal: SignalName, file: Buffer): Entry[] {
  return [...framed(file)].flatMap((request) => DECODED[signal](request));
}

const DECODED: Readonly<Record<SignalName, (request: Uint8Array) => Entry[]>> = {
  traces: (request) => READ.traces(decodeTraces(request)),
  logs: (request) => READ.logs(decodeLogs(request)),
  metrics: (request) => READ.metrics(decodeMetrics(request)),
};

/** Of items that have been decoded. */
export const READ: { readonly [S in SignalName]: (items: readonly SignalItems[S][]) => Entry[] } = {
  traces: sentSpans,
  logs: sentRecords,
  metrics: (points) => sentPoints(points.map(collectionOf)),
};

function collectionOf({ resource, scope, metric, point }: MetricDataPoint): ResourceMetrics {
  return { resource, scopeMetrics: [{ scope, metrics: [{ ...metric, dataPoints: [point] }] }] };
}

function* framed(file: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt32BE(at);
    yield file.subarray(at + 4, end);
    at = end;
  }
}
