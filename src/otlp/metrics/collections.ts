import type { DataPoint, MetricDataPoint, MetricInfo } from '../../model/metricDataPoint.ts';

type Resource = MetricDataPoint['resource'];
type Scope = MetricDataPoint['scope'];

/** A metric with its points, as the SDK's `MetricData`. */
export type MetricData = MetricInfo & {
  /** Its points, one for each series. */
  readonly dataPoints: readonly DataPoint[];
};

/** What was collected at once. The SDK's `ResourceMetrics` is one. */
export interface ResourceMetrics {
  /** What has measured: the service, the host. */
  readonly resource: Resource;
  /** The metrics of each library. */
  readonly scopeMetrics: readonly { readonly scope: Scope; readonly metrics: readonly MetricData[] }[];
}

/**
 * The points of a collection of the SDK, one by one.
 *
 * **Order:** as in the collection.
 *
 * **Loss:** a metric without points yields none, so nothing is left of its name. Backends make nothing of such a metric.
 *
 * @example
 * ```ts
 * const { dataPointsOf, encodeMetrics } = await import('spanflow/otlp');
 * const { resourceMetrics } = await reader.collect();
 * const body = encodeMetrics(dataPointsOf(resourceMetrics));
 * ```
 *
 * @see resourceMetricsOf
 */
export function dataPointsOf({ resource, scopeMetrics }: ResourceMetrics): MetricDataPoint[] {
  const points: MetricDataPoint[] = [];
  for (const { scope, metrics } of scopeMetrics) {
    for (const metric of metrics) {
      for (const point of metric.dataPoints) points.push({ resource, scope, metric, point });
    }
  }
  return points;
}

/**
 * Points as collections again, one for each resource: what official exporters of metrics take.
 *
 * **Order:** resources, scopes and metrics (each by identity) in the order of their first point; points in their own order inside.
 *
 * **Loss:** no point is lost here, but the SDK's types hold less: a `bigint` becomes the nearest number, and official exporters skip exemplars, `noRecordedValue` and the points of a summary.
 *
 * @example
 * ```ts
 * const { decodeMetrics, resourceMetricsOf } = await import('spanflow/otlp');
 * for (const { scopeMetrics } of resourceMetricsOf(decodeMetrics(await readFile('metrics.otlp')))) console.log(scopeMetrics);
 * ```
 *
 * @see dataPointsOf
 */
export function resourceMetricsOf(points: readonly MetricDataPoint[]): ResourceMetrics[] {
  return [...Map.groupBy(points, ({ resource }) => resource)].map(([resource, ofResource]) => ({
    resource,
    scopeMetrics: [...Map.groupBy(ofResource, ({ scope }) => scope)].map(([scope, ofScope]) => ({
      scope,
      metrics: [...Map.groupBy(ofScope, ({ metric }) => metric)].map(([metric, ofMetric]) =>
        metricOf(metric, ofMetric),
      ),
    })),
  }));
}

function metricOf(metric: MetricInfo, points: readonly MetricDataPoint[]): MetricData {
  return { ...metric, dataPoints: points.map(({ point }) => asNumber(point)) };
}

function asNumber(point: DataPoint): DataPoint {
  return typeof point.value === 'bigint' ? { ...point, value: Number(point.value) } : point;
}
