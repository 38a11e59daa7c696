import { type Attributes, type Meter, ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { dataPointsOf, decodeMetrics, encodeMetrics, encodeMetricsJson } from '../../../src/otlp/index.ts';
import { viewMetricsJson } from '../../../src/otlp/metrics/decode/viewMetricsJson.ts';
import { protobufjsPoints } from '../../otlp/metrics/oracle.ts';
import { metricsRequest } from '../../support/otlpSchema.ts';
import { seeded } from '../../support/spans.ts';
import { type CodecTask, inTurn, parsedBody } from './codecTask.ts';

export type MetricTask = 'encodeMetrics' | 'decodeMetrics' | 'viewMetricsJson';

const METRICS = 51;
const POINTS_EACH = 10;
const POINTS = METRICS * POINTS_EACH;

class Collector extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export async function metricCodec(task: MetricTask): Promise<CodecTask> {
  const collections = [await collected()];
  const workload = 'metrics of 10 points';
  if (task === 'encodeMetrics') {
    const contestants = [
      // Both begin with what the SDK collects.
      inTurn('spanflow', POINTS, collections, (collection) => encodeMetrics(dataPointsOf(collection))),
      inTurn('otlp-transformer', POINTS, collections, (collection) =>
        ProtobufMetricsSerializer.serializeRequest(collection),
      ),
    ];
    return { workload, contestants };
  }
  if (task === 'viewMetricsJson') {
    const texts = collections.map((collection) => encodeMetricsJson(dataPointsOf(collection)));
    const contestants = [
      inTurn('spanflow, views', POINTS, texts, (body) => viewMetricsJson(body)),
      inTurn('JSON.parse of the body', POINTS, texts, parsedBody),
    ];
    return { workload, contestants };
  }
  const bodies = collections.map((collection) => encodeMetrics(dataPointsOf(collection)));
  const contestants = [
    inTurn('spanflow', POINTS, bodies, (bytes) => decodeMetrics(bytes)),
    inTurn('protobufjs and points of it', POINTS, bodies, protobufjsPoints),
    inTurn('protobufjs, messages only', POINTS, bodies, (bytes) => metricsRequest.decode(bytes)),
  ];
  return { workload, contestants };
}

/** What an HTTP server measures of ten routes: a third of it histograms, the rest counters and gauges. */
async function collected(): Promise<ResourceMetrics> {
  const reader = new Collector();
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench', 'service.version': '1.0.0', 'host.name': 'bench-1' }),
    readers: [reader],
  });
  const meter = provider.getMeter('bench', '1.0.0');
  const random = seeded(1);
  for (let index = 0; index < METRICS; index++) {
    const record = instrument(meter, index);
    for (let route = 0; route < POINTS_EACH; route++)
      for (let times = 0; times < 20; times++)
        record(Math.round(random() * 5_000) / (index % 2 === 0 ? 1 : 8), of(route));
  }
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics;
}

function instrument(meter: Meter, index: number): (value: number, attributes: Attributes) => void {
  const name = `http.server.${['request.duration', 'requests', 'active_requests'][index % 3]}.${index}`;
  const options = {
    description: 'What the server measured of its requests',
    unit: ['ms', '{request}', 'By'][index % 3] as string,
    valueType: index % 2 === 0 ? ValueType.INT : ValueType.DOUBLE,
  };
  if (index % 3 === 0) {
    const histogram = meter.createHistogram(name, options);
    return (value, attributes) => histogram.record(value, attributes);
  }
  if (index % 3 === 1) {
    const counter = meter.createCounter(name, options);
    return (value, attributes) => counter.add(value, attributes);
  }
  const gauge = meter.createGauge(name, options);
  return (value, attributes) => gauge.record(value, attributes);
}

/** As the semantic conventions have it. */
function of(route: number): Attributes {
  return {
    'http.request.method': ['GET', 'GET', 'POST', 'PUT'][route % 4] as string,
    'http.route': `/api/shop/${['products', 'cart', 'checkout', 'shipping', 'users'][route % 5]}/:id/${route % 4}`,
    'http.response.status_code': route === 7 ? 500 : 200,
    'url.scheme': 'https',
    'network.protocol.version': '1.1',
  };
}
