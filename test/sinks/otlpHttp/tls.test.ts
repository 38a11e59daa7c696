import { describe, expect, it } from 'vitest';
import { type OtlpHttpOptions, spanPipeline } from '../../../src/index.ts';
import type { OtlpBackend } from '../../../src/testing/index.ts';
import { authority } from '../../support/httpCertificates.ts';
import {
  exportOnce,
  failureOf,
  openSink,
  outcomeOf,
  recordWarnings,
  SWIFT_RETRIES,
  startBackend,
} from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith(), spanWith()];
const OURS = authority('spanflow test authority');
const STRANGERS = authority('another authority');
const ON_LOOPBACK = OURS.issue('backend', ['127.0.0.1', 'localhost']);

const serve = ({ cert, key } = ON_LOOPBACK) => startBackend({ tls: { cert, key } });

describe('TLS', () => {
  it('works with a certificate of an authority that is trusted', async () => {
    const backend = await serve();
    const sink = openSink({ url: backend.url, tls: { ca: OURS.cert } });
    for (let count = 0; count < 5; count++) expect(await exportOnce(sink, SPANS)).toEqual({});
    expect([backend.spans, backend.connections]).toEqual([10, 1]);
  });

  it('works by name, and with several authorities', async () => {
    const backend = await serve();
    const ca = [STRANGERS.cert, Buffer.from(OURS.cert)];
    expect(
      await exportOnce(openSink({ url: `https://localhost:${backend.port}/v1/traces`, tls: { ca } }), SPANS),
    ).toEqual({});
  });

  it('works with a certificate of our own, where the backend wants one', async () => {
    const { cert, key } = ON_LOOPBACK;
    const tls = { cert, key, ca: OURS.cert, requestCert: true, rejectUnauthorized: true };
    const backend = await startBackend({ tls });
    const client = OURS.issue('client');
    expect(await exportOnce(openSink({ url: backend.url, tls: { ca: OURS.cert, ...client } }), SPANS)).toEqual({});
    const stranger = openSink({ url: backend.url, tls: { ca: OURS.cert, ...STRANGERS.issue('client') } });
    await failureOf(stranger, SPANS);
    expect(backend.requestCount).toBe(1);
  });

  it('rejectUnauthorized: false accepts any certificate', async () => {
    const backend = await serve();
    expect(await exportOnce(openSink({ url: backend.url, tls: { rejectUnauthorized: false } }), SPANS)).toEqual({});
  });
});

/** A certificate that does not fit: what the backend shows, where we call it, whom we trust, and what the error says. */
const MISFITS: readonly [string, (backend: OtlpBackend) => OtlpHttpOptions, () => Promise<OtlpBackend>, RegExp][] = [
  [
    'of an unknown authority',
    ({ url }) => ({ url }),
    () => serve(),
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/,
  ],
  [
    'of another authority than the trusted one',
    ({ url }) => ({ url, tls: { ca: STRANGERS.cert } }),
    () => serve(),
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/,
  ],
  [
    'that signs itself',
    ({ url }) => ({ url, tls: { ca: STRANGERS.cert } }),
    () => serve(OURS),
    /DEPTH_ZERO_SELF_SIGNED_CERT/,
  ],
  [
    'of another host',
    ({ url }) => ({ url, tls: { ca: OURS.cert } }),
    () => serve(OURS.issue('other', ['collector.example'])),
    /ERR_TLS_CERT_ALTNAME_INVALID: Hostname\/IP does not match.*127\.0\.0\.1/,
  ],
];

describe.each(MISFITS)('a certificate %s', (_, optionsFor, start, text) => {
  it('is no arrival, is retried, and appears in the outcome', async () => {
    const backend = await start();
    const sink = openSink(optionsFor(backend));
    expect((await failureOf(sink, SPANS)).failure).toEqual({ kind: 'retryable' });
    const outcome = await outcomeOf(sink, SPANS);
    expect(outcome).toMatchObject({
      attempts: 3,
      lost: [{ count: 2, reason: 'retriesExhausted', stage: 'exportTo(otlpHttp)' }],
    });
    expect(outcome.error?.message).toContain(`no answer from ${backend.url} in the TLS handshake: `);
    expect(outcome.error?.message).toMatch(text);
    expect(backend.requestCount).toBe(0);
  });

  it('causes a warning at the first attempt, and a loss when the retries are exhausted', async () => {
    const warnings = recordWarnings();
    const backend = await start();
    const sink = openSink(optionsFor(backend));
    const pipeline = spanPipeline({
      sink,
      environment: {},
      exitDeadlineMillis: 0,
      warnIntervalMillis: 0,
      retry: SWIFT_RETRIES,
    });
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    expect(warnings[0]).toMatch(/^spanflow: an export failed and will be tried again: no answer from/);
    expect(warnings[0]).toMatch(text);
    await pipeline.shutdown();
    expect(warnings.join('\n')).toContain('lost items: 1 retriesExhausted at exportTo(otlpHttp)');
    expect(pipeline.stats()).toMatchObject({ delivered: 0, lost: { retriesExhausted: 1 }, pending: 0 });
  });
});

describe('plain HTTP', () => {
  it('to a TLS port leaves unknown whether the spans arrived', async () => {
    const backend = await serve();
    const { failure } = await failureOf(openSink({ url: backend.url.replace('https', 'http') }), SPANS);
    expect(failure).toEqual({ kind: 'unknownOutcome' });
  });

  it('is what a backend without TLS speaks: the handshake says so', async () => {
    const backend = await startBackend();
    const { failure, message } = await failureOf(openSink({ url: backend.url.replace('http', 'https') }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toMatch(/wrong version number|ERR_SSL|EPROTO/i);
  });
});

describe('a TLS option', () => {
  const url = 'https://127.0.0.1:9';

  it.each(['ca', 'cert', 'key'])('%s that is no PEM is refused', (name) => {
    for (const garbage of ['garbage', Buffer.from('garbage'), 5 as unknown as string]) {
      expect(() => openSink({ url, tls: { [name]: garbage } })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', option: `otlpHttp.tls.${name}` }),
      );
    }
  });

  it('cert without its key, or with another one, is refused', () => {
    const { cert } = OURS.issue('client');
    for (const key of [OURS.key, undefined]) {
      expect(() => openSink({ url, tls: { cert, ...(key === undefined ? {} : { key }) } })).toThrow(
        expect.objectContaining({ option: 'otlpHttp.tls.key' }),
      );
    }
  });

  it('never repeats a key', () => {
    const secret = OURS.key.replaceAll('\n', '');
    expect(() => openSink({ url, tls: { key: secret } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret.slice(30, 60)) }),
    );
  });

  it('that does not exist is refused', () => {
    expect(() => openSink({ url, tls: { certificate: OURS.cert } as object })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.certificate' }),
    );
    expect(() => openSink({ url, tls: { rejectUnauthorized: 'no' } as object })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.rejectUnauthorized', rule: 'true or false', given: 'no' }),
    );
  });
});
