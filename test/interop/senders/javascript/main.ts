/** What `made.ts` says, made by the SDK of JavaScript. Its exporters take their endpoint and compression from the environment. */
import {
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  ValueType,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { exportersOfEnvironment } from './exporters.ts';

const resource = resourceFromAttributes(
  { 'service.name': 'shop', 'host.cpus': 2, list: ['a', 'b'] },
  { schemaUrl: 'https://schemas.example/resource' },
);
const SCOPE = ['checkout', '1.2.3', { schemaUrl: 'https://schemas.example/checkout' }] as const;
const ATTRIBUTES = {
  ...{ text: 'Grüße 🛒', empty: '', whole: 42, negative: -7, large: Number.MAX_SAFE_INTEGER, part: 0.5 },
  ...{ yes: true, no: false, words: ['a', ''], numbers: [1, -2], parts: [0.5, 1.5], flags: [true, false] },
};
const REMOTE: SpanContext = {
  ...{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true },
  traceState: createTraceState('vendor=1'),
};

const at = (seconds: number): HrTime => [1_700_000_000 + seconds, 1];
const inside = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);

async function sendSpans(exporter: SpanExporter): Promise<Readonly<Record<string, Span>>> {
  const provider = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter })],
    spanLimits: { eventCountLimit: 2, linkCountLimit: 2 },
  });
  const tracer = provider.getTracer(...SCOPE);
  const caller = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
  const order = tracer.startSpan('POST /orders', { kind: SpanKind.SERVER, startTime: at(1) }, caller);
  order.setAttributes(ATTRIBUTES);
  const links = [{ context: REMOTE, attributes: { why: 'retry' } }, { context: order.spanContext() }];
  const select = tracer.startSpan('SELECT', { kind: SpanKind.CLIENT, startTime: at(2), links }, inside(order));
  select.addEvent('retry', ATTRIBUTES, at(3));
  select.addEvent('bare', at(4));
  select.setStatus({ code: SpanStatusCode.ERROR, message: 'gone 🛒' });
  const publish = tracer.startSpan('publish', { kind: SpanKind.PRODUCER, startTime: at(5) }, inside(select));
  for (let count = 0; count < 3; count++) {
    publish.addEvent('same', at(5));
    publish.addLink({ context: order.spanContext() });
  }
  publish.setStatus({ code: SpanStatusCode.OK });
  publish.end(at(6));
  select.end(at(8));
  order.end(at(9));
  const root = tracer.startSpan('root', { startTime: at(7) }, ROOT_CONTEXT);
  root.end(at(7));
  await provider.shutdown();
  return { 'POST /orders': order, SELECT: select, publish, root };
}

async function sendRecords(exporter: LogRecordExporter, order: Span): Promise<void> {
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger(...SCOPE);
  const times = (seconds: number) => ({ timestamp: at(seconds), observedTimestamp: at(seconds + 100) });
  const severity = { severityNumber: 9, severityText: 'INFO' };
  logger.emit({
    ...times(1),
    ...severity,
    body: 'an order came in',
    attributes: ATTRIBUTES,
    context: inside(order),
  });
  const body = { cart: ['a', 1], inner: { deep: true }, bytes: Uint8Array.of(0, 255) };
  logger.emit({ ...times(2), body, severityNumber: 21 });
  logger.emit({ ...times(3), eventName: 'cart.opened' });
  logger.emit({ ...times(4), body: 42, severityNumber: 1 });
  logger.emit({ ...times(5), body: 0.5, severityNumber: 5 });
  logger.emit({ ...times(6), body: true, severityNumber: 17 });
  await provider.shutdown();
}

type Times = Record<string, [start: string, end: string]>;

async function sendPoints(exporter: PushMetricExporter, order: Span): Promise<Times> {
  const times: Times = {};
  const reader = new PeriodicExportingMetricReader({ exporter: noting(exporter, times) });
  const view = { instrumentName: 'size', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } } as const;
  const provider = new MeterProvider({ resource, readers: [reader], views: [view] });
  const meter = provider.getMeter(...SCOPE);
  const description = 'Grüße 🛒';
  const whole = (unit: string) => ({ unit, description, valueType: ValueType.INT });
  const part = (unit: string) => ({ unit, description, valueType: ValueType.DOUBLE });
  const orders = meter.createCounter('orders', whole('{order}'));
  orders.add(1, { shop: 'a' });
  orders.add(41, { shop: 'a' });
  orders.add(2 ** 40, { shop: 'b', cpus: 2 });
  const revenue = meter.createCounter('revenue', part('EUR'));
  revenue.add(0.25);
  revenue.add(0.5);
  meter.createCounter('spanned', whole('1')).add(7, {}, inside(order));
  const open = meter.createUpDownCounter('open', whole('1'));
  open.add(5);
  open.add(-8);
  meter.createGauge('load', part('1')).record(0.75);
  meter.createGauge('queue', whole('1')).record(17);
  meter.createObservableCounter('uptime', whole('s')).addCallback((result) => result.observe(2 ** 41));
  const advice = { explicitBucketBoundaries: [1, 10, 100] };
  const duration = meter.createHistogram('duration', { ...part('ms'), advice });
  for (const value of [0.5, 10, 1_000.25]) duration.record(value);
  const size = meter.createHistogram('size', part('By'));
  for (const value of [0, 1, 2, 4]) size.record(value);
  await provider.shutdown();
  return times;
}

/** Exports, and notes the times of the points. */
function noting(exporter: PushMetricExporter, times: Times): PushMetricExporter {
  return new Proxy(exporter, {
    get(target, name, receiver) {
      if (name !== 'export') return Reflect.get(target, name, receiver);
      const noted: PushMetricExporter['export'] = (collection, done) => {
        for (const { descriptor, dataPoints } of collection.scopeMetrics.flatMap(({ metrics }) => metrics)) {
          for (const { attributes, startTime, endTime } of dataPoints) {
            const name = [descriptor.name, attributes.shop ?? []].flat().join(' ');
            times[name] = [nanos(startTime), nanos(endTime)];
          }
        }
        target.export(collection, done);
      };
      return noted;
    },
  });
}

function nanos([seconds, rest]: HrTime): string {
  return `${BigInt(seconds) * 10n ** 9n + BigInt(rest)}`;
}

const exporters = exportersOfEnvironment();
const spans = await sendSpans(exporters.traces);
await sendRecords(exporters.logs, spans['POST /orders'] as Span);
const points = await sendPoints(exporters.metrics, spans['POST /orders'] as Span);
const ids = Object.entries(spans).map(([name, span]) => [name, span.spanContext().spanId]);
const { traceId: rootTraceId, traceFlags: rootTraceFlags } = (spans.root as Span).spanContext();
console.log(JSON.stringify({ rootTraceId, rootTraceFlags, spans: Object.fromEntries(ids), points }));
