import { Agent, ProxyAgent } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../../support/httpCertificates.ts';
import { exportOnce, failureOf, openSink, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { startProxy } from '../../support/httpProxy.ts';
import { closedPort } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const OURS = authority('authority of a dispatcher');

function opened<D extends Agent | ProxyAgent>(dispatcher: D): D {
  onTestFinished(() => dispatcher.destroy());
  return dispatcher;
}

describe('a dispatcher', () => {
  it('carries the requests, is shared, and stays open when a sink is shut down', async () => {
    const backend = await startBackend();
    const dispatcher = opened(new Agent({ connections: 1 }));
    for (let count = 0; count < 2; count++) {
      const sink = openSink({ url: backend.url, dispatcher });
      expect(await exportOnce(sink, SPANS)).toEqual({});
      await sink.shutdown?.();
    }
    expect([backend.spans, backend.connections, dispatcher.closed, dispatcher.destroyed]).toEqual([2, 1, false, false]);
  });

  it('may be a proxy’s', async () => {
    const backend = await startBackend();
    const proxy = await startProxy({ port: backend.port });
    const dispatcher = opened(new ProxyAgent(proxy.url));
    const sink = openSink({ url: 'http://collector.invalid:4318/v1/traces', dispatcher });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(proxy.seen.map(({ line }) => line)).toEqual(['POST http://collector.invalid:4318/v1/traces']);
  });

  it('has its own TLS, and its own proxies: the variables do not count', async () => {
    const warnings = recordWarnings();
    const { cert, key } = OURS.issue('backend', ['127.0.0.1']);
    const backend = await startBackend({ tls: { cert, key } });
    const dispatcher = opened(new Agent({ connect: { ca: OURS.cert } }));
    const environment = { OTEL_EXPORTER_OTLP_CERTIFICATE: '/missing', HTTPS_PROXY: 'nonsense' };
    expect(await exportOnce(openSink({ url: backend.url, dispatcher, environment }), SPANS)).toEqual({});
    expect(warnings).toEqual([]);
  });

  it('beside maxConnectionAgeMillis is refused: it has connections of its own', () => {
    const dispatcher = { request: () => Promise.reject(new Error('unused')) };
    expect(() => openSink({ url: 'http://x/', dispatcher, maxConnectionAgeMillis: 1_000 })).toThrow(
      'otlpHttp.maxConnectionAgeMillis must be left out beside dispatcher, which has connections of its own, but was given 1000',
    );
  });

  it('beside tls is refused: tls would have no effect', () => {
    const dispatcher = opened(new Agent());
    for (const tls of [{ ca: OURS.cert }, () => ({}), {}]) {
      expect(() => openSink({ url: 'https://x/', dispatcher, tls })).toThrow(
        /^otlpHttp\.tls must be left out beside dispatcher, which has TLS settings of its own, but was given/,
      );
    }
  });

  it('that does not connect has certainly sent nothing', async () => {
    const dispatcher = opened(new Agent());
    for (const host of ['127.0.0.1', 'localhost']) {
      const sink = openSink({ url: `http://${host}:${await closedPort()}/`, dispatcher });
      expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'retryable', connectionRefused: true });
    }
    const unknown = openSink({ url: 'http://collector.invalid/', dispatcher });
    expect((await failureOf(unknown, SPANS)).failure).toEqual({ kind: 'retryable' });
  });

  it('gets bodies of their own: it may keep them as long as it likes', async () => {
    const backend = await startBackend();
    const bodies: Uint8Array[] = [];
    const agent = opened(new Agent());
    const dispatcher = agent.compose((dispatch) => (options, handler) => {
      bodies.push(options.body as Uint8Array);
      return dispatch(options, handler);
    });
    const sink = openSink({ url: backend.url, dispatcher });
    await exportOnce(sink, [spanWith({ name: 'first' })]);
    const before = Buffer.from(bodies[0] as Uint8Array);
    await exportOnce(sink, [spanWith({ name: 'other' })]);
    expect(bodies[0]).toBeInstanceOf(Uint8Array);
    expect(before.equals(bodies[0] as Uint8Array)).toBe(true);
  });
});
