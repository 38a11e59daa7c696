import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

export interface Exporters {
  readonly traces: SpanExporter;
  readonly logs: LogRecordExporter;
  readonly metrics: PushMetricExporter;
}

const EXPORTERS: Readonly<Record<string, () => Exporters>> = {
  grpc: () => ({ traces: new GrpcTraces(), logs: new GrpcLogs(), metrics: new GrpcMetrics() }),
  'http/json': () => ({ traces: new JsonTraces(), logs: new JsonLogs(), metrics: new JsonMetrics() }),
  'http/protobuf': () => ({ traces: new ProtoTraces(), logs: new ProtoLogs(), metrics: new ProtoMetrics() }),
};

/** The exporters of the protocol that the environment names, as it configures them. */
export function exportersOfEnvironment(): Exporters {
  const { OTEL_EXPORTER_OTLP_PROTOCOL: protocol = '' } = process.env;
  const open = EXPORTERS[protocol];
  if (open === undefined) throw new RangeError(`OTEL_EXPORTER_OTLP_PROTOCOL must be one of ${Object.keys(EXPORTERS)}`);
  return open();
}
