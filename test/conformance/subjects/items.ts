import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricDataPoint } from '../../../src/model/metricDataPoint.ts';
import { dataPointWith } from '../../support/dataPoints.ts';
import { logRecordWith } from '../../support/logRecords.ts';
import { spanWith } from '../../support/spans.ts';
import type { Item, SignalName } from './subject.ts';

const MAKERS: Readonly<Record<SignalName, () => Item>> = {
  traces: () => spanWith(),
  logs: () => logRecordWith({ body: 'a line' }),
  metrics: () => dataPointWith(),
};

/** So many plain items. */
export function itemsOf(count: number, signal: SignalName = 'traces'): Item[] {
  return Array.from({ length: count }, MAKERS[signal]);
}

/** A span whose message has more bytes than this, most of them in an attribute. */
export function spanOfBytes(bytes: number): Item {
  return spanWith({ attributes: { large: new Uint8Array(bytes) } as never });
}

/** Points as the SDK gives them to an exporter. */
export function collectionOf(points: readonly MetricDataPoint[]): ResourceMetrics {
  const scopeMetrics = points.map(({ scope, metric, point }) => ({
    scope,
    metrics: [{ ...metric, dataPoints: [point] }],
  }));
  const [first] = points;
  return { resource: (first ?? dataPointWith()).resource, scopeMetrics } as unknown as ResourceMetrics;
}
