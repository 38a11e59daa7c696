import { zstdDecompressSync } from 'node:zlib';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createLedger, exportTo } from '../../../src/index.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { otlpHttpSettings } from '../../../src/sinks/otlpHttp/settings.ts';
import type { BackendAnswer } from '../../../src/testing/backend/otlpAnswer.ts';
import type { BackendRequest } from '../../../src/testing/backend/otlpRequest.ts';
import {
  exportOnce,
  failureOf,
  openSink,
  outcomeOf,
  recordWarnings,
  SWIFT_RETRIES,
  startBackend,
} from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { requestJsonOf } from '../../support/spanJson.ts';
import { generatedSpans } from '../../support/spans.ts';
import { decodeRequest } from '../../support/wire.ts';

const SPANS = generatedSpans({ seed: 11, count: 40 });
const PLAIN = { 'content-type': 'text/plain' };
const GO = { status: 400, headers: PLAIN, body: 'unsupported "Content-Encoding": "zstd"' };

/** A backend that takes no zstd. */
const gzipOnly =
  (refusal: BackendAnswer) =>
  ({ headers }: BackendRequest): BackendAnswer =>
    headers['content-encoding'] === 'zstd' ? refusal : 'ok';

const codingsOf = (requests: readonly BackendRequest[]) =>
  requests.map(({ headers }) => headers['content-encoding'] ?? 'none');

describe('zstd', () => {
  it('is what is sent, and holds the spans', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    await exportOnce(openSink({ url: server.url, compression: 'zstd' }), SPANS);
    const [request] = server.requests;
    expect(request?.head).toMatch(/^content-encoding: zstd\r$/m);
    expect(decodeRequest(zstdDecompressSync(request?.body ?? Buffer.alloc(0)))).toEqual(requestJsonOf(SPANS));
  });

  it('may be asked for by the variables', () => {
    const settingsFor = (environment: Record<string, string>) => otlpHttpSettings({ environment });
    expect(settingsFor({ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }).compression).toBe('zstd');
    expect(settingsFor({ OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'ZSTD' }).compression).toBe('zstd');
  });

  it('is refused for gRPC at the call, which says why', () => {
    expect(() => otlpGrpc({ environment: {}, compression: 'zstd' as 'gzip' })).toThrow(
      `otlpGrpc.compression must be one of 'gzip', 'none': @grpc/grpc-js has no zstd, otlpHttp has it`,
    );
  });
});

describe('a backend that takes no zstd', () => {
  it.each([
    ['415', { status: 415 }],
    ['415 with a text', { status: 415, headers: PLAIN, body: 'no' }],
    ['400 as a Collector says it', GO],
  ] as const)('and says so by %s gets gzip at once, and from then on', async (_, refusal) => {
    const warnings = recordWarnings();
    const backend = await startBackend({ answers: gzipOnly(refusal) });
    const sink = openSink({ url: backend.url, compression: 'zstd' });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(await exportOnce(sink, SPANS)).toEqual({});
    expect(codingsOf(backend.requests)).toEqual(['zstd', 'gzip', 'gzip']);
    const status = refusal.status;
    expect(warnings).toEqual([
      `spanflow: ${backend.url} does not take zstd (it answered ${status}): it gets gzip from now on`,
    ]);
  });

  it('loses nothing and gets nothing twice, however many exports it refuses at a time; it is told once', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend({ answers: gzipOnly(GO) });
    const ledger = createLedger();
    const sink = openSink({ url: backend.url, compression: 'zstd' });
    const batches = Array.from({ length: 20 }, () => SPANS);
    const outcomes = await lastValueFrom(
      from(batches).pipe(exportTo(sink, { concurrency: 8, retry: SWIFT_RETRIES, ledger }), toArray()),
    );
    const refused = codingsOf(backend.requests).filter((coding) => coding === 'zstd').length;
    const attempts = outcomes.reduce((sum, outcome) => sum + outcome.attempts, 0);
    expect([attempts, backend.requestCount]).toEqual([20 + refused, 20 + refused]);
    expect(ledger.stats()).toMatchObject({ delivered: 800, possibleDuplicates: 0, lost: {}, pending: 0, attempts });
    expect([backend.spans, warnings.length]).toEqual([800, 1]);
  });

  it('may refuse the token as well', async () => {
    const backend = await startBackend({
      answers: ({ headers }) => {
        if (headers.authorization !== 'Bearer 2') return { status: 401 };
        return headers['content-encoding'] === 'zstd' ? { status: 415 } : 'ok';
      },
    });
    const authorization = ({ refused }: { refused: 401 | undefined }) => (refused === 401 ? 'Bearer 2' : 'Bearer 1');
    const sink = openSink({ url: backend.url, compression: 'zstd', headers: { authorization } });
    expect(await outcomeOf(sink, SPANS)).toMatchObject({ delivered: 40, attempts: 3 });
    expect(codingsOf(backend.requests)).toEqual(['zstd', 'zstd', 'gzip']);
  });

  it('and no gzip either refuses for good', async () => {
    const backend = await startBackend({ answers: { status: 415 } });
    const { failure } = await failureOf(openSink({ url: backend.url, compression: 'zstd' }), SPANS);
    expect([failure, codingsOf(backend.requests)]).toEqual([{ kind: 'permanent' }, ['zstd', 'gzip']]);
  });
});

describe('a backend that refuses something else', () => {
  it.each([
    ['zstd', { status: 400, headers: PLAIN, body: 'no such tenant' }],
    ['gzip', { status: 415 }],
    ['gzip', { status: 400, headers: PLAIN, body: 'unsupported Content-Encoding' }],
    ['none', { status: 415 }],
  ] as const)('of a request in %s gets no other one', async (compression, refusal) => {
    const warnings = recordWarnings();
    const backend = await startBackend({ answers: refusal });
    await failureOf(openSink({ url: backend.url, compression }), SPANS);
    expect([backend.requestCount, warnings]).toEqual([1, []]);
  });
});
