/**
 * All signals in one: spans, log records and metrics to one destination, and what `NodeSDK` wants of them. Its types need `@opentelemetry/sdk-metrics`.
 *
 * @module spanflow/telemetry
 */

import '../internal/requireNode.ts';

export type {
  DestinationOptions,
  LogSettings,
  MetricSettings,
  OtlpProtocol,
  SignalDestination,
  TelemetryOptions,
  TelemetrySignals,
  TraceSettings,
} from './options.ts';
export type { TelemetryPipelines, TelemetrySdk } from './parts.ts';
export { type BySignal, type Telemetry, telemetry } from './telemetry.ts';
