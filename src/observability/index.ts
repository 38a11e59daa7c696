/**
 * Metrics about a running pipeline, by OpenTelemetry's semantic conventions.
 *
 * @module spanflow/observability
 */

import '../internal/requireNode.ts';

export type { MeteredPipeline, PipelineMetrics, StatsToMetricsOptions } from './options.ts';
export { statsToMetrics } from './statsToMetrics.ts';
