// Items as a program makes them, by the SDKs. What is made goes where the caller says.

import {
  createTraceState,
  ROOT_CONTEXT,
  SeverityNumber,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  ValueType,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { AggregationType, MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { OTHER_TRACE_ID, SPAN_ID } from './owners.ts';

const resource = resourceFromAttributes(
  { 'service.name': 'shop', 'host.cpus': 2, list: ['a', 'b'] },
  { schemaUrl: 'https://schemas/sdk' },
);
const SCOPE = ['checkout', '1.2.3', { schemaUrl: 'https://schemas/checkout' }] as const;
const ATTRIBUTES = { text: 'Grüße 🛒', whole: 42, part: 0.5, flag: true, list: [1, 2, 3], words: ['x', ''] };

const REMOTE: SpanContext = {
  ...{ traceId: OTHER_TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true },
  traceState: createTraceState('vendor=1'),
};
const CALLED = trace.setSpanContext(ROOT_CONTEXT, REMOTE);

/** Two spans, one in the other: events, an exception, links, errors, and more attributes than the limits leave. */
export function endSpans(spanProcessors: SpanProcessor[]): void {
  const limits = { attributeCountLimit: 5, eventCountLimit: 2, linkCountLimit: 1 };
  const tracer = new TracerProvider({ resource, spanProcessors, spanLimits: limits }).getTracer(...SCOPE);
  const server = tracer.startSpan('POST /orders', { kind: SpanKind.SERVER }, CALLED);
  const links = [{ context: REMOTE, attributes: { why: 'retry' } }, { context: server.spanContext() }];
  const inServer = trace.setSpan(ROOT_CONTEXT, server);
  const client = tracer.startSpan('SELECT', { kind: SpanKind.CLIENT, links }, inServer);
  client.setAttributes(ATTRIBUTES);
  for (const attempt of [1, 2]) client.addEvent('retry', { attempt });
  client.recordException(new TypeError('gone'));
  client.setStatus({ code: SpanStatusCode.ERROR, message: 'gone' });
  client.end();
  server.end();
}

/** Log records within and outside of a span: texts, maps and none, an exception, and more attributes than the limits leave. */
export function emitRecords(processors: LogRecordProcessor[]): void {
  const limits = { attributeCountLimit: 5 };
  const logger = new LoggerProvider({ resource, processors, logRecordLimits: limits }).getLogger(...SCOPE);
  // Each at a second of its own, by which it is known.
  const at = (seconds: number) => ({ timestamp: [1_700_000_000 + seconds, 1] as [number, number] });
  logger.emit({ ...at(1), body: 'an order came in', severityNumber: SeverityNumber.INFO, severityText: 'INFO' });
  logger.emit({ ...at(2), body: { cart: ['a', { deep: null }], bytes: Uint8Array.of(1, 2) }, context: CALLED });
  logger.emit({ ...at(3), eventName: 'cart.opened', attributes: ATTRIBUTES });
  logger.emit({ ...at(4), body: 'failed', severityNumber: SeverityNumber.ERROR, exception: new TypeError('gone') });
}

/** One instrument of each kind, of both types of numbers. `reader` collects them. */
export async function recordMetrics(reader: MetricReader): Promise<void> {
  const exponential = { instrumentName: '*.exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } };
  const provider = new MeterProvider({ resource, readers: [reader], views: [exponential as never] });
  const meter = provider.getMeter(...SCOPE);
  for (const [type, valueType] of [
    ['int', ValueType.INT],
    ['double', ValueType.DOUBLE],
  ] as const) {
    const options = { valueType, unit: 'ms', description: 'Grüße 🛒' };
    for (const value of [0, 1, 300, 2 ** 53]) {
      meter.createCounter(`${type}.counter`, options).add(value, ATTRIBUTES);
      meter.createUpDownCounter(`${type}.upDown`, options).add(-value);
      meter.createGauge(`${type}.gauge`, options).record(-value, ATTRIBUTES);
      meter.createHistogram(`${type}.histogram`, options).record(value, { value });
      meter.createHistogram(`${type}.exponential`, options).record(value, ATTRIBUTES);
    }
    meter.createObservableGauge(`${type}.observed`, options).addCallback((result) => result.observe(2 ** 40));
  }
  await provider.shutdown();
}
