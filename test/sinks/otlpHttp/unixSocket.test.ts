import { writeFileSync } from 'node:fs';
import { Agent } from 'undici';
import { describe, expect, it } from 'vitest';
import { exponentialBackoff, otlpHttp } from '../../../src/index.ts';
import { authority } from '../../support/httpCertificates.ts';
import { exportOnce, failureOf, openSink, outcomeOf, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';
import { unixSocketTo, unusedSocketPath } from '../../support/unixSocket.ts';

const SPANS = [spanWith(), spanWith()];

describe('a Unix socket', () => {
  it('is written to instead of the host of the URL, which is the header Host', async () => {
    const backend = await startBackend();
    const { path } = await unixSocketTo(backend.port);
    const url = 'http://collector.invalid:9999/v1/traces?tenant=a';
    expect(await exportOnce(openSink({ socketPath: path, url }), SPANS)).toEqual({});
    expect(backend.requests[0]).toMatchObject({
      path: '/v1/traces?tenant=a',
      headers: { host: 'collector.invalid:9999' },
    });
    expect(backend.spans).toBe(2);
  });

  it('is what the program names: endpoints and proxies of the variables are those of another backend', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    const { path } = await unixSocketTo(backend.port);
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://elsewhere.invalid:4317',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=shop',
      HTTP_PROXY: 'http://proxy.invalid:3128',
    };
    await exportOnce(openSink({ socketPath: path, environment }), SPANS);
    expect(backend.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { host: 'localhost', 'x-tenant': 'shop' },
    });
    expect(warnings).toEqual([]);
  });

  it('keeps its connections, one for each request at a time', async () => {
    const backend = await startBackend({ answers: { delayMillis: 20 } });
    const socket = await unixSocketTo(backend.port);
    const sink = openSink({ socketPath: socket.path });
    await exportOnce(sink, SPANS);
    await exportOnce(sink, SPANS);
    expect(socket.connections).toBe(1);
    await Promise.all([exportOnce(sink, SPANS), exportOnce(sink, SPANS), exportOnce(sink, SPANS)]);
    expect([socket.connections <= 3, backend.spans]).toEqual([true, 10]);
  });

  it('is connected to anew after a refusal, and the batch arrives once', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, 'ok'] });
    const socket = await unixSocketTo(backend.port);
    expect(await outcomeOf(openSink({ socketPath: socket.path }), SPANS)).toMatchObject({ delivered: 2, attempts: 2 });
    expect([socket.connections, backend.spans]).toEqual([2, 2]);
  });

  it('takes large bodies, whose memory is used again', async () => {
    const backend = await startBackend();
    const { path } = await unixSocketTo(backend.port);
    const spans = generatedSpans({ seed: 3, count: 3_000 });
    const sink = openSink({ socketPath: path });
    for (let index = 0; index < 4; index++) await exportOnce(sink, spans);
    const bodies = backend.requests.map(({ body }) => Buffer.from(body).toString('base64'));
    expect([new Set(bodies).size, backend.spans]).toEqual([1, 12_000]);
  });

  it('may speak TLS, for the host of the URL', async () => {
    const ours = authority('spanflow socket authority');
    const backend = await startBackend({ tls: ours.issue('backend', ['collector.internal']) });
    const { path } = await unixSocketTo(backend.port);
    const tls = { ca: ours.cert };
    const sink = openSink({ socketPath: path, url: 'https://collector.internal/v1/traces', tls });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    const other = openSink({ socketPath: path, url: 'https://other.internal/v1/traces', tls });
    expect((await failureOf(other, SPANS)).message).toContain('in the TLS handshake');
  });
});

describe('a Unix socket on which nobody listens', () => {
  it.each(['that is not there', 'that is a file'])('%s is a refused connection', async (kind) => {
    const path = unusedSocketPath();
    if (kind === 'that is a file') writeFileSync(path, '');
    const { failure, message } = await failureOf(openSink({ socketPath: path }), SPANS);
    expect(failure).toEqual({ kind: 'retryable', connectionRefused: true });
    expect(message).toMatch(`no answer from http://localhost/v1/traces at ${path} while connecting: connect E`);
  });

  it('loses nothing that is certain not to have arrived when somebody listens later', async () => {
    const backend = await startBackend();
    const path = unusedSocketPath();
    const backoff = exponentialBackoff({ initialMillis: 20, maxMillis: 20, jitter: 'none' });
    let waits = 0;
    const onRetry = () => {
      waits += 1;
      return waits === 2 ? void unixSocketTo(backend.port, path) : undefined;
    };
    const outcome = await outcomeOf(openSink({ socketPath: path }), SPANS, {
      retry: { backoff, maxAttempts: 100 },
      onRetry,
    });
    expect(outcome).toMatchObject({ delivered: 2, lost: [] });
    expect(outcome.possibleDuplicates).toBeUndefined();
  });
});

describe('the option socketPath', () => {
  it.each(['', 5, null, 'unix:///run/collector.sock', 'http://x/', 'a\0b'])('%j is refused at the call', (value) => {
    const wrong = { environment: {}, socketPath: value as string };
    expect(() => otlpHttp(wrong)).toThrow(
      expect.objectContaining({
        option: 'otlpHttp.socketPath',
        rule: 'the path of a Unix socket, or the name of a pipe of Windows',
      }),
    );
  });

  it('is refused beside a dispatcher', () => {
    const options = { environment: {}, socketPath: '/run/x.sock', dispatcher: new Agent() };
    expect(() => otlpHttp(options)).toThrow('socketPath must be left out beside dispatcher');
  });
});
