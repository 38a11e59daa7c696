import { expect, it, onTestFinished } from 'vitest';
import { type ObservableSink, type OtlpHttpOptions, otlpHttp } from '../../../src/index.ts';
import type { MetricDataPoint } from '../../../src/model/metricDataPoint.ts';
import { encodeMetrics, encodeMetricsJson } from '../../../src/otlp/index.ts';
import { dataPointWith, metricOfType, metricWith, VALUES } from '../../support/dataPoints.ts';
import { exportOnce, outcomeOf } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';

const METRIC = metricWith();
const POINTS = [
  dataPointWith({ value: 1 }, METRIC),
  dataPointWith({ value: VALUES[0] }, metricOfType(0)),
  dataPointWith({ value: 2 }, METRIC),
];

function openMetrics(options: Omit<OtlpHttpOptions<'metrics'>, 'signal'>): ObservableSink<MetricDataPoint> {
  const sink = otlpHttp({ environment: {}, ...options, signal: 'metrics' });
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

const answered = (status: number, type: string, body: string) =>
  rawAnswer(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }, body);

const OK = answered(200, 'application/x-protobuf', '');

it('sends data points to the path of metrics, those of one metric in one message', async () => {
  const server = await rawServer(({ socket }) => socket.write(OK));
  const { origin } = new URL(server.url);
  const sink = openMetrics({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: origin } });
  expect(await outcomeOf(sink, POINTS)).toMatchObject({ delivered: 3, rejected: 0, lost: [] });
  const [request] = server.requests;
  expect(request?.head).toMatch(/^POST \/v1\/metrics HTTP\/1.1/);
  expect(Buffer.compare(request?.body as Buffer, encodeMetrics(POINTS))).toBe(0);
});

it('reads the variables of metrics before those of all signals', async () => {
  const server = await rawServer(({ socket }) => socket.write(answered(200, 'application/json', '{}')));
  const { origin } = new URL(server.url);
  const environment = {
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${origin}/logs`,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${origin}/mine`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
  };
  expect(await exportOnce(openMetrics({ environment }), POINTS)).toEqual({ rejected: 0 });
  const [request] = server.requests;
  expect(request?.head).toMatch(/^POST \/mine /);
  expect(Buffer.compare(request?.body as Buffer, encodeMetricsJson(POINTS))).toBe(0);
});

it('counts the data points that a backend rejects, in protobuf and in JSON', async () => {
  const json = JSON.stringify({ partialSuccess: { rejectedDataPoints: '2', errorMessage: 'too old' } });
  const protobuf = Buffer.from('0a0b08021207', 'hex').toString('latin1');
  for (const [encoding, type, body] of [
    ['json', 'application/json', json],
    ['protobuf', 'application/x-protobuf', `${protobuf}too old`],
  ] as const) {
    const server = await rawServer(({ socket }) => socket.write(answered(200, type, body)));
    const outcome = await outcomeOf(openMetrics({ url: server.url, encoding }), POINTS);
    expect(outcome).toMatchObject({ delivered: 1, rejected: 2, lost: [], message: 'too old' });
  }
});

it('counts a point that cannot be expressed as unencodable, and sends the others', async () => {
  const server = await rawServer(({ socket }) => socket.write(OK));
  const outcome = await outcomeOf(openMetrics({ url: server.url }), [...POINTS, dataPointWith({ endTime: [-1, 0] })]);
  expect(outcome).toMatchObject({ delivered: 3, lost: [{ count: 1, reason: 'unencodable' }] });
});
