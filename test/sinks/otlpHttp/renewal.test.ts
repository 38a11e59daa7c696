import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TlsOptions } from '../../../src/index.ts';
import { type Authority, authority } from '../../support/httpCertificates.ts';
import { exportOnce, failureOf, openSink, outcomeOf, recordWarnings } from '../../support/httpExports.ts';
import { startProxy } from '../../support/httpProxy.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const OLD = authority('old authority');
const NEW = authority('new authority');
const OLD_CLIENT = OLD.issue('old client');
const NEW_CLIENT = NEW.issue('new client');

/** A backend that wants a certificate, and whose own can be renewed. */
interface Backend {
  readonly url: string;
  readonly port: number;
  /** The names of those who connected. */
  readonly clients: string[];
  renew(by: Authority): void;
  closeConnections(): void;
}

async function startBackend(by = OLD): Promise<Backend> {
  const identityOf = (signer: Authority) => signer.issue('backend', ['127.0.0.1', 'collector.invalid']);
  const trust = { ca: [OLD.cert, NEW.cert], requestCert: true, rejectUnauthorized: false };
  const server: Server = createServer({ ...identityOf(by), ...trust }, (request, response) => {
    request.resume().on('end', () => response.end());
  });
  const clients: string[] = [];
  server.on('secureConnection', (socket: TLSSocket) => clients.push(String(socket.getPeerCertificate().subject?.CN)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `https://127.0.0.1:${port}/v1/traces`,
    port,
    clients,
    renew: (signer) => server.setSecureContext({ ...identityOf(signer), ...trust }),
    closeConnections: () => server.closeAllConnections(),
  };
}

/** Files of the environment, in a folder of their own. */
function files(contents: Readonly<Record<string, string | Buffer>>) {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-renewal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
  for (const [name, content] of Object.entries(contents)) write(name, content);
  const environment = Object.fromEntries(
    Object.keys(contents).map((name) => [`OTEL_EXPORTER_OTLP_${name}`, join(folder, name)]),
  );
  return { environment, write, remove: (name: string) => rmSync(join(folder, name)) };
}

const OLD_FILES = { CERTIFICATE: OLD.cert, CLIENT_CERTIFICATE: OLD_CLIENT.cert, CLIENT_KEY: OLD_CLIENT.key };

describe('files that are renewed', () => {
  it('count for new connections; those that are open go on', async () => {
    const backend = await startBackend();
    const { environment, write } = files(OLD_FILES);
    const sink = openSink({ url: backend.url, environment });
    await exportOnce(sink, SPANS);
    write('CERTIFICATE', NEW.cert);
    write('CLIENT_CERTIFICATE', NEW_CLIENT.cert);
    write('CLIENT_KEY', NEW_CLIENT.key);
    await exportOnce(sink, SPANS);
    expect(backend.clients).toEqual(['old client']);
    backend.renew(NEW);
    backend.closeConnections();
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1 });
    expect(backend.clients).toEqual(['old client', 'new client']);
  });

  it('count for the attempt after a handshake that failed', async () => {
    const backend = await startBackend(NEW);
    const { environment, write } = files(OLD_FILES);
    const sink = openSink({ url: backend.url, environment });
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'retryable' });
    write('CERTIFICATE', OLD.cert + NEW.cert);
    expect(await exportOnce(sink, SPANS)).toEqual({});
  });

  it('count in the tunnel of a proxy', async () => {
    const backend = await startBackend();
    const proxy = await startProxy({ port: backend.port });
    const { environment, write } = files(OLD_FILES);
    const url = 'https://collector.invalid/v1/traces';
    const sink = openSink({ url, environment: { ...environment, HTTPS_PROXY: proxy.url } });
    await exportOnce(sink, SPANS);
    write('CERTIFICATE', NEW.cert);
    backend.renew(NEW);
    backend.closeConnections();
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1 });
  });

  it.each<[string, (at: ReturnType<typeof files>) => void, string]>([
    ['half written', ({ write }) => write('CERTIFICATE', NEW.cert.slice(0, 200)), 'CERTIFICATE'],
    ['empty', ({ write }) => write('CERTIFICATE', ''), 'CERTIFICATE'],
    ['gone', ({ remove }) => remove('CERTIFICATE'), 'CERTIFICATE'],
    ['no PEM', ({ write }) => write('CLIENT_CERTIFICATE', 's3cret'), 'CLIENT_CERTIFICATE'],
    ['of another key', ({ write }) => write('CLIENT_CERTIFICATE', NEW_CLIENT.cert), 'CLIENT_CERTIFICATE'],
    ['of another certificate', ({ write }) => write('CLIENT_KEY', NEW_CLIENT.key), 'CLIENT_CERTIFICATE'],
  ])('and are %s then leave the old ones in use, and are warned about once', async (_, spoil, variable) => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    const at = files(OLD_FILES);
    const sink = openSink({ url: backend.url, environment: at.environment });
    spoil(at);
    for (let count = 0; count < 3; count++) {
      expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1 });
      backend.closeConnections();
    }
    expect(backend.clients).toEqual(['old client', 'old client', 'old client']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`^spanflow: OTEL_EXPORTER_OTLP_${variable} .*is ignored: it must be `));
    expect(warnings[0]).toMatch(/; what was read before stays in use$/);
  });

  it('and serve again are warned about anew when they do not', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    const { environment, write } = files(OLD_FILES);
    const sink = openSink({ url: backend.url, environment });
    for (const content of ['', OLD.cert + NEW.cert, '']) {
      write('CERTIFICATE', content);
      await outcomeOf(sink, SPANS);
      backend.closeConnections();
    }
    expect(warnings).toHaveLength(2);
  });
});

/** What a test gives as `tls`, made of functions in one way or the other. */
const FORMS: readonly [string, (now: () => TlsOptions) => TlsOptions | (() => TlsOptions | Promise<TlsOptions>)][] = [
  ['one function', (now) => now],
  ['one function that takes its time', (now) => async () => now()],
  [
    'a function for each',
    (now) => ({
      ca: () => now().ca as string,
      cert: async () => now().cert as string,
      key: () => Promise.resolve(now().key as string),
    }),
  ],
];

describe.each(FORMS)('tls as %s', (_, form) => {
  it('is asked for each new connection', async () => {
    const backend = await startBackend();
    let now: TlsOptions = { ca: OLD.cert, ...OLD_CLIENT };
    const sink = openSink({ url: backend.url, tls: form(() => now) });
    await exportOnce(sink, SPANS);
    await exportOnce(sink, SPANS);
    now = { ca: NEW.cert, ...NEW_CLIENT };
    backend.renew(NEW);
    backend.closeConnections();
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 1 });
    expect(backend.clients).toEqual(['old client', 'new client']);
  });

  it('that throws fails the attempt, which is tried again', async () => {
    const backend = await startBackend();
    let asked = 0;
    const now = (): TlsOptions => {
      asked += 1;
      if (asked === 1) throw new Error('the vault is sealed');
      return { ca: OLD.cert, ...OLD_CLIENT };
    };
    const sink = openSink({ url: backend.url, tls: form(now) });
    const { failure, message } = await failureOf(sink, SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toBe('otlpHttp.tls could not be made for a new connection: the vault is sealed');
    expect(await exportOnce(sink, SPANS)).toEqual({});
  });

  it.each<[string, TlsOptions, string]>([
    ['no PEM', { ca: 's3cret', ...OLD_CLIENT }, 'otlpHttp.tls.ca must be certificates in PEM'],
    [
      'a key of another',
      { ca: OLD.cert, ...OLD_CLIENT, key: NEW_CLIENT.key },
      'otlpHttp.tls.key must be the key of cert',
    ],
  ])('that gives %s fails the attempt, and what it gave is not repeated', async (_, given, text) => {
    const backend = await startBackend();
    const error = await failureOf(openSink({ url: backend.url, tls: form(() => given) }), SPANS);
    expect(error.failure).toEqual({ kind: 'retryable' });
    expect(error.message).toContain(`otlpHttp.tls could not be made for a new connection: ${text}`);
    expect(String(error.message)).not.toContain('s3cret');
    expect(backend.clients).toEqual([]);
  });
});

describe('tls with functions', () => {
  const url = 'https://127.0.0.1:9';

  it('has both of cert and key, or none', () => {
    for (const tls of [{ cert: () => OLD.cert }, { key: () => OLD.key }]) {
      expect(() => openSink({ url, tls })).toThrow(expect.objectContaining({ option: 'otlpHttp.tls.key' }));
    }
    expect(() => openSink({ url, tls: { cert: () => OLD.cert, key: OLD.key } })).not.toThrow();
  });

  it('that never answer ends with the attempt, and is asked again', async () => {
    const backend = await startBackend();
    let isThere = false;
    const tls = () => (isThere ? { ca: OLD.cert } : new Promise<never>(() => {}));
    const sink = openSink({ url: backend.url, tls, timeoutMillis: 200 });
    expect(await outcomeOf(sink, SPANS, { retry: { maxAttempts: 1 } })).toMatchObject({
      error: { code: 'TIMEOUT' },
      lost: [{ reason: 'retriesExhausted' }],
    });
    isThere = true;
    let outcome = await outcomeOf(sink, SPANS);
    // On a busy machine, a handshake may take longer than the timeout.
    while (outcome.delivered === 0) outcome = await outcomeOf(sink, SPANS);
    expect(backend.clients).not.toEqual([]);
  });

  it('has its values checked at the call', () => {
    expect(() => openSink({ url, tls: { ca: 'x', cert: () => OLD.cert, key: () => OLD.key } })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.ca' }),
    );
  });

  it('is not asked for plain HTTP', async () => {
    const fail = () => {
      throw new Error('asked');
    };
    const { failure, message } = await failureOf(openSink({ url: 'http://127.0.0.1:9/', tls: fail }), SPANS);
    expect([failure, message.includes('asked')]).toEqual([{ kind: 'retryable', connectionRefused: true }, false]);
  });
});
