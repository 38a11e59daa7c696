import type { ReadableLogRecord as SdkLogRecord } from '@opentelemetry/sdk-logs';
import {
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics as SdkResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Sink, spanPipeline } from '../../src/index.ts';
import type { Stats } from '../../src/ledger/stats.ts';
import { logPipeline } from '../../src/logs.ts';
import { metricPipeline } from '../../src/metrics.ts';
import type { SignalItems, SignalName } from '../../src/model/signal.ts';
import type { PipelineControls } from '../../src/pipelines/controls.ts';
import type { Entry } from './entry.ts';
import { emitRecords, endSpans, recordMetrics } from './items/bySdk.ts';
import { richCollections } from './items/collections.ts';
import { richRecords } from './items/records.ts';
import { richSpans } from './items/spans.ts';
import { sentPoints, sentRecords, sentSpans } from './sent.ts';

/** What was given to a pipeline, and what its statistics say that went wrong. */
export interface Sent {
  readonly entries: readonly Entry[];
  readonly trouble: string | undefined;
}

/** Several requests, so that they overtake each other. */
const OPTIONS = { environment: {}, maxExportBatchSize: 25, retry: { maxElapsedMillis: 20_000 } } as const;

/** Sends items of the SDK and items made by hand through the pipeline of a signal, which it shuts down. */
export const SEND: { readonly [S in SignalName]: (sink: Sink<SignalItems[S]>) => Promise<Sent> } = {
  traces: sendSpans,
  logs: sendRecords,
  metrics: sendPoints,
};

async function sendSpans(sink: Sink<SignalItems['traces']>): Promise<Sent> {
  const pipeline = spanPipeline({ ...OPTIONS, sink });
  const spans: ReadableSpan[] = [];
  const { processor } = pipeline;
  endSpans([{ onStart: () => {}, onEnd: (span) => void spans.push(span), ...NOTHING_TO_END }, processor]);
  const rich = richSpans();
  for (const span of rich) processor.onEnd(span);
  return ended(pipeline, sentSpans([...spans, ...rich]));
}

async function sendRecords(sink: Sink<SignalItems['logs']>): Promise<Sent> {
  const pipeline = logPipeline({ ...OPTIONS, sink });
  const records: SdkLogRecord[] = [];
  const { processor } = pipeline;
  emitRecords([{ onEmit: (record) => void records.push(record), ...NOTHING_TO_END }, processor]);
  const rich = richRecords();
  for (const record of rich) processor.onEmit(record as SdkLogRecord);
  return ended(pipeline, sentRecords([...records, ...rich]));
}

async function sendPoints(sink: Sink<SignalItems['metrics']>): Promise<Sent> {
  const pipeline = metricPipeline({ ...OPTIONS, sink });
  const collections: SdkResourceMetrics[] = [];
  const exporter: PushMetricExporter = {
    ...pipeline.exporter,
    export(collection, answer) {
      collections.push(collection);
      pipeline.exporter.export(collection, answer);
    },
    shutdown: async () => {},
  };
  await recordMetrics(new PeriodicExportingMetricReader({ exporter }));
  const rich = richCollections();
  for (const collection of rich) pipeline.exporter.export(collection as SdkResourceMetrics, () => {});
  return ended(pipeline, sentPoints([...collections, ...rich]));
}

/** The providers of the SDK end nothing here: the pipeline does, when it has everything. */
const NOTHING_TO_END = { forceFlush: async () => {}, shutdown: async () => {} };

async function ended(
  pipeline: Pick<PipelineControls<unknown>, 'shutdown' | 'stats'>,
  entries: readonly Entry[],
): Promise<Sent> {
  await pipeline.shutdown({ deadlineMillis: 25_000 });
  return { entries, trouble: troubleIn(pipeline.stats(), entries.length) };
}

/** A second attempt would mean that the Collector has refused something, such as zstd. */
function troubleIn(
  { delivered, rejected, lost, refused, attempts, exports }: Stats,
  items: number,
): string | undefined {
  if (delivered === items && attempts === exports.batchesDelivered) return undefined;
  const requests = `${attempts} attempts for ${exports.batchesDelivered + exports.batchesFailed} batches`;
  return `${delivered} of ${items} delivered, ${rejected} rejected, lost ${JSON.stringify({ ...refused, ...lost })}, ${requests}`;
}
