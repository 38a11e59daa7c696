import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Metadata, makeClientConstructor } from '@grpc/grpc-js';
import { delay, filter } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exportTo, fanOut, inBatches, otlpHttp, rebatch } from '../../src/index.ts';
import {
  decodeLogs,
  decodeMetrics,
  decodeTraces,
  encodeLogsJson,
  encodeMetricsJson,
  encodeTraces,
} from '../../src/otlp/index.ts';
import { SIGNALS } from '../../src/otlp/signals.ts';
import { type RelayCompose, relay } from '../../src/relay/index.ts';
import type { OtlpBackend } from '../../src/testing/index.ts';
import { JSON_TYPE, jsonOf, post, until } from '../inputs/otlpReceiver/support.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { authority } from '../support/httpCertificates.ts';
import { recordWarnings, startBackend } from '../support/httpExports.ts';
import { closedPort } from '../support/httpServer.ts';
import { spanJson } from '../support/spanJson.ts';
import { spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { AT_ONCE, BODIES, get, ONCE, SENT, start } from './support.ts';

const originOf = ({ url }: { readonly url: string }) => new URL(url).origin;
const parsed = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown;

/** What has arrived, as plain values, each item by itself: how a request groups them may differ. */
function arrived(bodies: Readonly<Record<keyof typeof SIGNALS, readonly Uint8Array[]>>) {
  return {
    traces: bodies.traces.flatMap((body) => decodeTraces(body)).map(spanJson),
    logs: bodies.logs.flatMap((body) => decodeLogs(body)).map((record) => parsed(encodeLogsJson([record]))),
    metrics: bodies.metrics.flatMap((body) => decodeMetrics(body)).map((point) => parsed(encodeMetricsJson([point]))),
  };
}

const EXPECTED = arrived({ traces: [BODIES.traces], logs: [BODIES.logs], metrics: [BODIES.metrics] });

function bodiesAt({ requests }: OtlpBackend) {
  const at = (path: string) => requests.filter((request) => request.path === path).map(({ body }) => body);
  return { traces: at('/v1/traces'), logs: at('/v1/logs'), metrics: at('/v1/metrics') };
}

async function call(url: string, method: string, body: Uint8Array): Promise<void> {
  const same = (bytes: Buffer) => bytes;
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const Client = makeClientConstructor(
    { Export: { path: method, requestStream: false, responseStream: false, ...codec } } as never,
    'Export',
  );
  const client = new Client(new URL(url).host, credentials.createInsecure());
  onTestFinished(() => client.close());
  await new Promise<void>((resolve, reject) => {
    const done = (error: unknown) => (error ? reject(error) : resolve());
    (client as unknown as { Export: (...args: unknown[]) => void }).Export(Buffer.from(body), new Metadata(), done);
  });
}

describe('a relay', () => {
  test('passes all signals on, in over both protocols and out over both, field by field', async () => {
    const http = await startBackend();
    const grpc = await grpcBackend();
    const { relay: running, url } = await start({
      ...AT_ONCE,
      receive: { grpc: { port: 0 }, acknowledge: 'delivered' },
      send: { http: { url: originOf(http), compression: 'gzip' }, grpc: { url: grpc.url, protocol: 'grpc' } },
    });
    for (const signal of ['traces', 'logs', 'metrics'] as const)
      expect((await post(url, BODIES[signal], undefined, SIGNALS[signal].path)).status).toBe(200);
    const called = (signal: keyof typeof SIGNALS) =>
      grpc.arrivals.filter(({ method }) => method === SIGNALS[signal].method).map(({ message }) => message);
    expect(arrived(bodiesAt(http))).toEqual(EXPECTED);
    expect(arrived({ traces: called('traces'), logs: called('logs'), metrics: called('metrics') })).toEqual(EXPECTED);

    for (const signal of ['traces', 'logs', 'metrics'] as const)
      await call(running.address.grpc?.url ?? '', SIGNALS[signal].method, BODIES[signal]);
    const { traces, logs, metrics } = bodiesAt(http);
    expect(arrived({ traces: traces.slice(1), logs: logs.slice(1), metrics: metrics.slice(1) })).toEqual(EXPECTED);
    expect(await running.shutdown()).toMatchObject({ isDrained: true, lost: 0 });
  });

  test('one relay sends to another over both protocols with TLS on both sides and a token, by the names of files', async () => {
    const backend = await startBackend();
    const folder = temporaryFolder();
    const fileOf = (name: string, text: string) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    const ca = authority('test authority');
    const caFile = fileOf('ca.pem', ca.cert);
    const [server, client] = [ca.issue('server', ['127.0.0.1']), ca.issue('client')];
    const tls = {
      certFile: fileOf('server.pem', server.cert),
      keyFile: fileOf('server.key', server.key),
      clientCaFile: caFile,
    };
    const bearerTokens = ['a token of many letters'.replaceAll(' ', '-')];
    const second = await start({
      ...AT_ONCE,
      receive: { http: { tls }, grpc: { port: 0, tls }, bearerTokens, acknowledge: 'delivered' },
      send: { main: { url: originOf(backend) } },
    });
    const identity = { certFile: fileOf('client.pem', client.cert), keyFile: fileOf('client.key', client.key) };
    const to = { tls: { caFile, ...identity }, headers: { authorization: `Bearer ${bearerTokens[0]}` }, ...ONCE };
    const first = await start({
      ...AT_ONCE,
      receive: { acknowledge: 'delivered' },
      send: {
        http: { url: second.url, ...to },
        grpc: { url: second.relay.address.grpc?.url ?? '', protocol: 'grpc', ...to },
      },
    });
    expect([(await post(first.url, BODIES.traces)).status, backend.spans]).toEqual([200, 2 * SENT.traces.length]);
    expect(new URL(second.url).protocol).toBe('https:');
  });

  test("'delivered': while the backend refuses, senders are told when to try again, and then that it has arrived", async () => {
    const answers = [{ status: 503, headers: { 'retry-after': '2' } }, 'ok'] as const;
    const backend = await startBackend({ answers });
    const { url } = await start({
      ...AT_ONCE,
      receive: { acknowledge: 'delivered' },
      send: { main: { url: originOf(backend), ...ONCE } },
    });
    const refused = await post(url, BODIES.traces);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect([(await post(url, BODIES.traces)).status, backend.spans]).toEqual([200, SENT.traces.length]);
  });

  test('a destination that is not required is not waited for; a signal that goes nowhere is refused for good', async () => {
    const backend = await startBackend();
    const { url } = await start({
      ...AT_ONCE,
      receive: { acknowledge: 'delivered' },
      send: {
        main: { url: originOf(backend), signals: ['traces'] },
        copy: { url: `http://127.0.0.1:${await closedPort()}`, signals: ['traces'], required: false },
      },
    });
    expect((await post(url, BODIES.traces)).status).toBe(200);
    expect((await post(url, BODIES.logs, undefined, '/v1/logs')).status).toBe(404);
  });

  test('a destination bears its name and signal in stages, metrics and messages, alone and beside others', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    const { url, relay: running } = await start({
      ...AT_ONCE,
      send: {
        main: { url: originOf(backend), signals: ['traces'] },
        dead: { url: `http://127.0.0.1:${await closedPort()}`, signals: ['traces', 'logs'] },
      },
    });
    await post(url, BODIES.traces);
    await backend.until(({ spans }) => spans === SENT.traces.length, 30_000);
    await post(url, BODIES.logs, undefined, '/v1/logs');
    await until(() => warnings.length > 0);
    const { stages = {} } = running.stats().ledgers['generation 1'] ?? {};
    expect(Object.keys(stages)).toEqual(expect.arrayContaining(['main(traces)', 'dead(traces)', 'dead(logs)']));
    expect(Object.keys(stages).join()).not.toContain('exportTo');
    const { isDrained, lost, losses } = await running.shutdown();
    const every = { items: SENT.traces.length, isRequired: true };
    const records = { items: SENT.logs.length, isRequired: true };
    expect({ isDrained, lost, losses }).toEqual({
      isDrained: true,
      lost: every.items + records.items,
      losses: { 'dead(traces)': every, 'dead(logs)': records },
    });
    expect(warnings[0]).toMatch(/an export to dead\((traces|logs)\) failed and will be tried again: .*ECONNREFUSED/);
    expect(warnings.join('\n')).toMatch(/an export to dead\((traces|logs)\) failed for good: .*ECONNREFUSED/);
    expect(warnings.join('\n')).toMatch(/lost items: .*\d shutdown at dead\(traces\)/);
  });

  test.each(['of the configuration', 'of the program'])(
    'what a destination that is not required loses while it drains is told apart, and is no loss of the whole (%s)',
    async (whose) => {
      recordWarnings();
      const backend = await startBackend();
      const dead = `http://127.0.0.1:${await closedPort()}`;
      const to = (origin: string) => otlpHttp({ url: `${origin}/v1/traces`, environment: {} });
      const compose: RelayCompose = ({ traces$ }) =>
        traces$.pipe(
          rebatch({ scheduledDelayMillis: 1 }),
          fanOut({ 'main(traces)': to(originOf(backend)), 'dead(traces)': { sink: to(dead), required: false } }),
        );
      const signals = ['traces'] as const;
      const send = { main: { url: originOf(backend), signals }, dead: { url: dead, signals, required: false } };
      const { url, relay: running } =
        whose === 'of the program' ? await start({}, { compose }) : await start({ ...AT_ONCE, send });
      await post(url, BODIES.traces);
      await backend.until(({ spans }) => spans === SENT.traces.length, 30_000);
      expect(await running.shutdown()).toMatchObject({
        isDrained: true,
        lost: 0,
        losses: { 'dead(traces)': { items: SENT.traces.length, isRequired: false } },
      });
    },
  );

  test('drops, redacts and enriches spans within their requests, of which each is answered', async () => {
    const backend = await startBackend();
    const { url, relay: running } = await start({
      ...AT_ONCE,
      receive: { acknowledge: 'delivered' },
      process: {
        drop: [{ key: 'http.route', pattern: '^/health' }],
        redact: { keys: ['/SECRET/i'], patterns: ['\\d{4}'] },
        enrich: { 'deployment.environment.name': 'test' },
      },
      send: { main: { url: originOf(backend) } },
    });
    const spans = [
      spanWith({ name: 'kept', attributes: { 'my.secret': 'x', card: 'no 1234' } }),
      spanWith({ name: 'dropped', attributes: { 'http.route': '/healthz' } }),
    ];
    expect((await post(url, encodeTraces(spans))).status).toBe(200);
    expect((await post(url, encodeTraces(spans.slice(1)))).status).toBe(200);
    const seen = bodiesAt(backend).traces.flatMap((body) => decodeTraces(body));
    expect(seen.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['kept', { 'my.secret': '[redacted]', card: 'no [redacted]', 'deployment.environment.name': 'test' }],
    ]);
    expect(Object.keys(running.stats().ledgers['generation 1']?.stages ?? {})).toEqual(
      expect.arrayContaining(['redact', 'enrich', 'inBatches', 'rebatch(traces)', 'main(traces)']),
    );
  });

  test('samples traces, and counts all spans in metrics that go where metrics go', async () => {
    const backend = await startBackend();
    const { url, relay: running } = await start({
      ...AT_ONCE,
      process: { spanMetrics: {}, tailSample: { policies: [{ kind: 'errors' }] } },
      send: { main: { url: originOf(backend) } },
    });
    await post(url, encodeTraces([spanWith({ name: 'good' }), spanWith({ name: 'bad', status: { code: 2 } })]));
    const other = spanWith({
      name: 'other',
      spanContext: () => ({ ...spanWith().spanContext(), traceId: 'a'.repeat(32) }),
    });
    await post(url, encodeTraces([other]));
    await running.shutdown();
    const { traces, metrics } = bodiesAt(backend);
    expect(traces.flatMap((body) => decodeTraces(body)).map(({ name }) => name)).toEqual(['good', 'bad']);
    const points = metrics.flatMap((body) => decodeMetrics(body));
    expect(new Set(points.map(({ point }) => point.attributes['span.name']))).toEqual(
      new Set(['good', 'bad', 'other']),
    );
  });

  test('a composition of the program takes the place of the configuration', async () => {
    const backend = await startBackend();
    const compose: RelayCompose = ({ logs$ }) =>
      logs$.pipe(
        inBatches(filter(({ body }) => body !== 'line 2')),
        rebatch({ scheduledDelayMillis: 1 }),
        exportTo(otlpHttp({ signal: 'logs', url: `${originOf(backend)}/v1/logs`, environment: {} })),
      );
    const { url } = await start({ receive: { acknowledge: 'delivered' } }, { compose });
    expect((await post(url, BODIES.logs, undefined, '/v1/logs')).status).toBe(200);
    expect((await post(url, BODIES.traces)).status).toBe(404);
    expect(backend.items).toBe(2);
  });

  test('a composition that ends by itself is told, and requests are refused with 503', async () => {
    const warnings = recordWarnings();
    const failed: string[] = [];
    const compose: RelayCompose = ({ traces$ }) => traces$.pipe(inBatches(delay(0)));
    const { url, relay: running } = await start(
      { admin: { port: 0 } },
      { compose, onFailure: () => failed.push('failed') },
    );
    const { admin = '' } = running.address;
    await post(url, BODIES.traces);
    await until(() => failed.length > 0);
    expect((await post(url, BODIES.traces)).status).toBe(503);
    expect(await get(`${admin}/livez`)).toEqual({ status: 500, text: 'its composition has ended by itself\n' });
    expect([running.stats().state, failed]).toEqual(['failed', ['failed']]);
    expect(warnings.join('\n')).toContain('inBatches.operators must be synchronous');
  });

  test('a port that is in use is told, and everything is closed again', async () => {
    const { url } = await start({ send: { main: { url: 'http://127.0.0.1:9' } } });
    const receive = { http: { port: Number(new URL(url).port) } };
    const second = relay({ receive, admin: { port: 0 }, send: { main: { url: 'http://127.0.0.1:9' } } });
    await expect(second.listen()).rejects.toMatchObject({ code: 'CANNOT_LISTEN' });
    expect(second.stats().state).toBe('stopped');
  });
});

describe('a reload', () => {
  test('loses no request: those before go where they went, those after go where the new configuration says', async () => {
    const [one, two] = [await startBackend(), await startBackend()];
    const config = (backend: OtlpBackend) => ({ ...AT_ONCE, send: { main: { url: originOf(backend) } } });
    const { relay: running, url } = await start({ receive: { acknowledge: 'delivered' }, ...config(one) });
    const received = { receive: { acknowledge: 'delivered' as const, http: { port: 0 } } };
    const statuses: number[] = [];
    const names = Array.from({ length: 120 }, (_, index) => `span ${index}`);
    for (let index = 0; index < names.length; index += 10) {
      const sending = names.slice(index, index + 10).map((name) => post(url, jsonOf(name), JSON_TYPE));
      if (index % 20 === 10) running.reload({ ...received, ...config(index % 40 === 10 ? two : one) });
      for (const { status } of await Promise.all(sending)) statuses.push(status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    const seen = [one, two].flatMap((backend) => bodiesAt(backend).traces.flatMap((body) => decodeTraces(body)));
    expect(seen.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect([one.spans > 0, two.spans > 0, running.stats().generation]).toEqual([true, true, 7]);
    // Each generation has books of its own, and those that have ended are in the figures.
    await until(() => Object.keys(running.stats().ledgers).length === 2);
    const delivered = 'spanflow_relay_items_total{stage="main(traces)",fate="delivered"}';
    expect(running.stats().figures.counters[delivered]).toBe(120);
  });

  test('while the ports are being opened, it takes the place of the composition that runs already', async () => {
    const [one, two, three] = [await startBackend(), await startBackend(), await startBackend()];
    const receive = { acknowledge: 'delivered' as const, http: { port: 0 } };
    const config = (backend: OtlpBackend) => ({ ...AT_ONCE, receive, send: { main: { url: originOf(backend) } } });
    const running = relay(config(one));
    onTestFinished(async () => void (await running.shutdown({ timeoutMillis: 0 })));
    const listening = running.listen();
    running.reload(config(two));
    expect(running.stats().state).toBe('starting');
    const { http } = await listening;
    expect((await post(http?.url ?? '', jsonOf('first'), JSON_TYPE)).status).toBe(200);
    running.reload(config(three));
    expect((await post(http?.url ?? '', jsonOf('second'), JSON_TYPE)).status).toBe(200);
    expect([one.spans, two.spans, three.spans]).toEqual([0, 1, 1]);
    expect(await running.shutdown()).toMatchObject({ isDrained: true, lost: 0 });
  });

  test('what the old composition holds back, it sends with all its retries', async () => {
    const [one, two] = [
      await startBackend({ answers: [{ status: 503 }, { status: 503 }, 'ok'] }),
      await startBackend(),
    ];
    const { relay: running, url } = await start({ ...AT_ONCE, send: { main: { url: originOf(one) } } });
    await post(url, jsonOf('before'), JSON_TYPE);
    await one.until(({ requestCount }) => requestCount === 1, 60_000);
    running.reload({ ...AT_ONCE, receive: { http: { port: 0 } }, send: { main: { url: originOf(two) } } });
    await post(url, jsonOf('after'), JSON_TYPE);
    await two.until(({ spans }) => spans === 1, 60_000);
    await one.until(({ spans }) => spans === 1, 60_000);
    expect(await running.shutdown()).toMatchObject({ isDrained: true, lost: 0 });
  });

  test('a bad configuration is thrown, and nothing changes; the ports and the way of answering need a restart', async () => {
    const backend = await startBackend();
    const send = { main: { url: originOf(backend) } };
    const { relay: running, url } = await start({ ...AT_ONCE, receive: { acknowledge: 'delivered' }, send });
    expect(() => running.reload({ send: { main: { url: 'nowhere' } } })).toThrow('relay.send.main.url must be');
    const other = { ...AT_ONCE, receive: { http: { port: 1 } }, admin: {}, send };
    expect(running.reload(other)).toEqual({ needsRestart: ['receive', 'admin'] });
    // It still answers when the backend has it, so sampling does not fit.
    const sampling = { tailSample: { policies: [{ kind: 'errors' as const }] } };
    expect(() => running.reload({ ...other, process: sampling })).toThrow("where receive.acknowledge is 'delivered'");
    expect((await post(url, BODIES.traces)).status).toBe(200);
    const unreadable = () => {
      throw new Error('no YAML');
    };
    expect(() => running.reload(unreadable)).toThrow('no YAML');
    expect([running.stats().generation, running.stats().figures.counters.spanflow_relay_refused_reloads_total]).toEqual(
      [2, 3],
    );
  });
});

describe('the admin server', () => {
  test('says whether the relay lives and is ready, what it has done, and nothing else', async () => {
    const backend = await startBackend();
    const { relay: running, url } = await start({
      ...AT_ONCE,
      receive: { acknowledge: 'delivered' },
      admin: { port: 0 },
      send: { main: { url: originOf(backend) } },
    });
    const { admin = '' } = running.address;
    expect(admin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await post(url, BODIES.traces);
    await post(url, 'no message');
    expect([await get(`${admin}/livez`), await get(`${admin}/readyz`)]).toEqual([
      { status: 200, text: 'ok\n' },
      { status: 200, text: 'ok\n' },
    ]);
    const lines = (await get(`${admin}/metrics`)).text.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE spanflow_relay_items_total counter',
        'spanflow_relay_requests_total 2',
        'spanflow_relay_answers_total{protocol="http",code="200"} 1',
        'spanflow_relay_answers_total{protocol="http",code="400"} 1',
        'spanflow_relay_items_total{stage="main(traces)",fate="delivered"} 20',
        'spanflow_relay_open_requests 0',
        'spanflow_relay_queue_items{part="send"} 0',
      ]),
    );
    const stats = JSON.parse((await get(`${admin}/stats`)).text) as ReturnType<typeof running.stats>;
    expect(stats).toMatchObject({ state: 'ready', ledgers: { 'generation 1': { delivered: 20 } } });
    expect((await get(`${admin}/other`)).status).toBe(404);
    expect((await fetch(`${admin}/stats`, { method: 'POST' })).status).toBe(405);
  });

  test('a relay that drains is not ready, and lives', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const { relay: running, url } = await start({
      ...AT_ONCE,
      admin: { port: 0 },
      send: { main: { url: originOf(backend) } },
    });
    await post(url, BODIES.traces);
    await backend.until(({ inFlight }) => inFlight === 1);
    const { admin = '' } = running.address;
    const drained = running.shutdown();
    expect(await get(`${admin}/readyz`)).toEqual({ status: 503, text: 'it is draining\n' });
    expect((await get(`${admin}/livez`)).status).toBe(200);
    await backend.close();
    await drained;
    await expect(fetch(`${admin}/livez`)).rejects.toThrow();
  });
});
