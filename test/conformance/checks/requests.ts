// What a request is: its headers, its path, its size, and what is in it.

import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { spanWith } from '../../support/spans.ts';
import { moment } from '../moment.ts';
import { contentsOf, messageOf } from '../server/messages.ts';
import { ACCEPT } from '../server/script.ts';
import { itemsOf, spanOfBytes } from '../subjects/items.ts';
import type { ClientSettings, SignalName } from '../subjects/subject.ts';
import type { Workbench } from '../workbench.ts';

const MIB = 1024 * 1024;
const MAX_REQUEST_BYTES = 64 * MIB;
const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
const METHODS: Readonly<Record<SignalName, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

/** C1 */
export async function contentHeaders(bench: Workbench): Promise<void> {
  const { protocol, encoding, signals } = bench.subject;
  for (const signal of signals) {
    for (const compression of [undefined, 'gzip'] as const) {
      const { client, server } = await bench.pair(ACCEPT, { signal, ...(compression && { compression }) });
      await client.export(itemsOf(1, signal));
      const [arrival] = server.arrivals;
      if (arrival === undefined) return bench.expect(false, `no request of ${signal}`);
      const { headers } = arrival;
      const type = String(headers['content-type']);
      const isRight =
        protocol === 'grpc' ? /^application\/grpc(\+proto)?$/.test(type) : type === CONTENT_TYPES[encoding];
      bench.expect(isRight, `content-type ${type} (${signal})`);
      const coding = headers[protocol === 'grpc' ? 'grpc-encoding' : 'content-encoding'];
      bench.expect(
        coding === compression || (!compression && coding === 'identity'),
        `gzip ${compression ?? 'off'}: ${coding} (${signal})`,
      );
      if (protocol === 'grpc')
        bench.expect(
          arrival.isFlaggedCompressed === (compression === 'gzip'),
          `the compressed flag is wrong (${signal})`,
        );
      bench.expect(isOneItem(arrival, signal, encoding), `the body cannot be read by its headers (${signal})`);
    }
  }
}

function isOneItem(...request: Parameters<typeof contentsOf>): boolean {
  try {
    return contentsOf(...request).items === 1;
  } catch {
    return false;
  }
}

/** C2 */
export async function requestLimit(bench: Workbench): Promise<void> {
  const { encoding, lacks } = bench.subject;
  const { client, server } = await bench.pair(ACCEPT);
  const { delivered, lost } = await client.export(Array.from({ length: 5 }, () => spanOfBytes(13 * MIB)));
  const largest = Math.max(0, ...server.arrivals.map(({ body }) => body.length));
  bench.expect(largest <= MAX_REQUEST_BYTES, `a request of ${largest.toLocaleString('en')} bytes was sent`);
  const { failed } = await client.books();
  bench.expect(
    failed === lost && delivered + lost === 5,
    `of 5 spans ${delivered} are delivered, ${failed} counted as lost`,
  );
  if (lacks.has('maxRequestBytes')) return;
  const maxRequestBytes = 4_000;
  // Compressed it is far below the limit, which is one of what is compressed.
  const small = await bench.pair(ACCEPT, { maxRequestBytes, compression: 'gzip' });
  const parts = await small.client.export(Array.from({ length: 10 }, () => spanOfBytes(1_000)));
  bench.expect(parts.delivered === 10, `${parts.delivered} of 10 delivered that fit one by one`);
  const bytes = small.server.arrivals.map((arrival) => messageOf(arrival).length);
  bench.expect(
    Math.max(...bytes) <= maxRequestBytes,
    `${Math.max(...bytes)} bytes before compression, over ${maxRequestBytes}`,
  );
  const items = small.server.arrivals.reduce((sum, arrival) => sum + contentsOf(arrival, 'traces', encoding).items, 0);
  bench.expect(items === 10, `${items} of 10 have arrived`);
  const requests = small.server.arrivals.length;
  const alone = await small.client.export([spanOfBytes(5_000)]);
  bench.expect(
    alone.lost === 1 && (await small.client.books()).failed === 1,
    'what is too large by itself is not counted',
  );
  bench.expect(small.server.arrivals.length === requests, 'what is too large by itself was sent');
}

/** C17 */
export async function emptyEnvelopes(bench: Workbench): Promise<void> {
  const { encoding, signals, metricExporter } = bench.subject;
  const idle = await bench.server(ACCEPT);
  const tracing = bench.tracing([idle.url]);
  await tracing.forceFlush();
  bench.expect(idle.arrivals.length === 0, `${idle.arrivals.length} request by a processor that has nothing`);
  if (metricExporter !== undefined) {
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporter(idle.url) });
    await new MeterProvider({ readers: [reader] }).shutdown();
    bench.expect(idle.arrivals.length === 0, `${idle.arrivals.length} request by a reader without instruments`);
  }
  for (const signal of signals) {
    const { client, server } = await bench.pair(ACCEPT, { signal });
    await Promise.race([client.export(itemsOf(0, signal)), moment()]);
    await moment();
    bench.expect(server.arrivals.length === 0, `an export of no items sends a request (${signal})`);
    await client.export(signal === 'traces' ? ofSeveralOwners() : itemsOf(3, signal));
    const arrival = server.arrivals.at(-1);
    const empty = arrival === undefined ? ['(no request)'] : contentsOf(arrival, signal, encoding).emptyEnvelopes;
    bench.expect(empty.length === 0, `empty ${empty.join(', ')} (${signal})`);
  }
}

function ofSeveralOwners() {
  const resources = [1, 2].map((number) => resourceFromAttributes({ number }));
  return resources.flatMap((resource) =>
    ['one', 'two'].map((name) => spanWith({ resource, instrumentationScope: { name } })),
  );
}

/** C18 */
export async function http11(bench: Workbench): Promise<void> {
  const { client, server } = await bench.pair(ACCEPT);
  const { delivered } = await client.export(itemsOf(1));
  bench.expect(delivered === 1, 'nothing delivered to a server of HTTP/1.1');
  bench.expect(
    server.arrivals.every(({ version }) => version === '1.1'),
    'another version than HTTP/1.1',
  );
}

/** C20 */
export async function endpoints(bench: Workbench): Promise<void> {
  const { protocol, signals } = bench.subject;
  const server = await bench.server(ACCEPT);
  const look = async (signal: SignalName, environment: Record<string, string>, path: string) => {
    const before = server.arrivals.length;
    const client = bench.client({ signal, environment } as ClientSettings);
    await client.export(itemsOf(1, signal));
    const seen = server.arrivals
      .slice(before)
      .map((arrival) => arrival.path)
      .join();
    const given = Object.entries(environment)
      .map(([name, value]) => `${name}=${value.replace(server.url, '…')}`)
      .join(' ');
    bench.expect(seen === path, `${given} goes to ${seen || 'nowhere'}`);
  };
  for (const signal of signals) {
    const specific = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
    const base = 'OTEL_EXPORTER_OTLP_ENDPOINT';
    const elsewhere = 'http://127.0.0.1:9';
    if (protocol === 'grpc') {
      await look(signal, { [base]: server.url }, METHODS[signal]);
      await look(signal, { [base]: elsewhere, [specific]: server.url }, METHODS[signal]);
      continue;
    }
    await look(signal, { [base]: server.url }, `/v1/${signal}`);
    await look(signal, { [base]: `${server.url}/below/` }, `/below/v1/${signal}`);
    await look(signal, { [base]: elsewhere, [specific]: `${server.url}/mine` }, '/mine');
    await look(signal, { [base]: elsewhere, [specific]: server.url }, '/');
  }
}

/** C21 */
export async function userAgent(bench: Workbench): Promise<void> {
  for (const signal of bench.subject.signals) {
    const { client, server } = await bench.pair(ACCEPT, { signal, userAgent: 'my-distribution/1.2' });
    await client.export(itemsOf(1, signal));
    const seen = String(server.arrivals[0]?.headers['user-agent']);
    bench.expect(/(^| )OTel-OTLP-Exporter-\w+\/\d+\.\d+\.\d+\S*( |$)/.test(seen), `${seen} (${signal})`);
    bench.expect(
      seen.startsWith('my-distribution/1.2 '),
      `a product of one's own does not come first: ${seen} (${signal})`,
    );
  }
}

/** C22 */
export async function limitOptions(bench: Workbench): Promise<void> {
  const { lacks } = bench.subject;
  bench.expect(!lacks.has('maxRequestBytes'), 'no option for the size of requests');
  bench.expect(!lacks.has('maxResponseBytes'), 'no option for the size of responses');
  const byDefault = await bench.pair({ as: 'large', bytes: 4 * MIB - 1_000 });
  const { delivered } = await byDefault.client.export([spanOfBytes(5 * MIB)]);
  const sent = byDefault.server.arrivals.length;
  bench.expect(sent > 0, 'a request of 5 MiB is not sent by default');
  if (sent > 0) bench.expect(delivered === 1, 'an answer of just below 4 MiB is refused by default');
  if (lacks.has('maxRequestBytes') || lacks.has('maxResponseBytes')) return;
  const limits = { maxRequestBytes: 6 * MIB, maxResponseBytes: 1_000 };
  const limited = await bench.pair(({ index }) => ({ as: 'large', bytes: index === 0 ? 999 : 1_001 }), limits);
  const within = await limited.client.export([spanOfBytes(5 * MIB)]);
  bench.expect(within.delivered === 1, 'what is within the options is not delivered');
  const above = await limited.client.export(itemsOf(1));
  bench.expect(above.delivered === 0, 'an answer over the option counts as read');
}
