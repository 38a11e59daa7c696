import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';

/** The points of a collection, in its order. */
export function dataPointsOf({ resource, scopeMetrics }: ResourceMetrics): MetricDataPoint[] {
  const points: MetricDataPoint[] = [];
  for (const { scope, metrics } of scopeMetrics) {
    for (const metric of metrics) {
      for (const point of metric.dataPoints) points.push({ resource, scope, metric, point });
    }
  }
  return points;
}
