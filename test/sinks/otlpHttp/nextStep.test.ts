import dns from 'node:dns';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { failureOf, openSink, startBackend } from '../../support/httpExports.ts';
import { closedPort } from '../../support/httpServer.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

describe('404', () => {
  it.each([
    ['', '/v1/traces'],
    ['/', '/v1/traces'],
    ['/otlp', '/otlp/v1/traces'],
    ['/otlp/?key=secret', '/otlp/v1/traces'],
  ])('at "%s" asks for %s', async (path, meant) => {
    const { origin } = new URL((await startBackend()).url);
    const { failure, message } = await failureOf(openSink({ url: `${origin}${path}` }), SPANS);
    expect(failure).toEqual({ kind: 'permanent' });
    expect(message).toContain(`answered 404; did you mean ${origin}${meant}?`);
    expect(message).not.toContain('secret');
  });

  it.each(['/v1/traces', '/v1/spans'])('at %s asks nothing', async (path) => {
    const backend = await startBackend({ path: '/elsewhere' });
    const url = backend.url.replace('/elsewhere', path);
    const { message } = await failureOf(openSink({ url }), SPANS);
    expect(message).toContain(`${path} answered 404`);
    expect(message).not.toContain('did you mean');
  });

  it('is the only status that asks', async () => {
    const backend = await startBackend({ path: '/', answers: { status: 401 } });
    const { message } = await failureOf(openSink({ url: backend.url }), SPANS);
    expect(message).not.toContain('did you mean');
  });
});

describe('a server of HTTP/2', () => {
  it('is probably gRPC', async () => {
    const server = createServer();
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('error', () => {});
    });
    onTestFinished(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { message } = await failureOf(openSink({ url: `http://127.0.0.1:${port}/v1/traces` }), SPANS);
    expect(message).toContain('answered in HTTP/2; port 4317 is usually gRPC: OTLP over HTTP listens on 4318');
  });
});

describe('a name with several addresses', () => {
  it('that all refuse is told with each of them', async () => {
    const port = await closedPort();
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) => {
      const done = args.at(-1) as (error: null, found: typeof addresses) => void;
      setImmediate(() => done(null, addresses));
    }) as typeof dns.lookup);
    onTestFinished(() => lookup.mockRestore());
    const { failure, message } = await failureOf(openSink({ url: `http://localhost:${port}/v1/traces` }), SPANS);
    expect(failure).toMatchObject({ kind: 'retryable' });
    expect(message).toContain(`no answer from http://localhost:${port}/v1/traces while connecting: `);
    for (const address of [`::1:${port}`, `127.0.0.1:${port}`]) expect(message).toContain(` ${address}`);
  });
});
