import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createLedger, exportTo } from '../../../src/index.ts';
import type { MetadataRequest } from '../../../src/sinks/otlpGrpc/index.ts';
import { telemetry } from '../../../src/telemetry/index.ts';
import { type GrpcAnswer, grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { exportOnce, outcomeOf, SWIFT_RETRIES } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith(), spanWith()];
const REFUSED: GrpcAnswer = { code: 16, details: 'the token has expired' };

/** A token that is kept until the backend refuses it. */
function tokens() {
  const asked: MetadataRequest['refused'][] = [];
  let fetched = 1;
  const authorization = ({ refused }: MetadataRequest) => {
    asked.push(refused);
    if (refused !== undefined) fetched += 1;
    return `Bearer ${fetched}`;
  };
  return { asked, authorization };
}

/** Gives these answers in turn, the last one again and again. */
const inTurn = (...answers: readonly GrpcAnswer[]) => ({
  answers: (_: unknown, index: number) => answers[index] ?? (answers.at(-1) as GrpcAnswer),
});

describe('UNAUTHENTICATED to metadata of a function', () => {
  it.each(['one entry', 'all of it'])('is followed at once by one call with new metadata: %s', async (kind) => {
    const { asked, authorization } = tokens();
    const all = (call: MetadataRequest) => ({ authorization: authorization(call) });
    const backend = await grpcBackend(inTurn(REFUSED, {}));
    const sink = openGrpcSink({ url: backend.url, headers: kind === 'one entry' ? { authorization } : all });
    expect(await exportOnce(sink, SPANS)).toEqual({});
    await exportOnce(sink, SPANS);
    expect(asked).toEqual([undefined, 'UNAUTHENTICATED', undefined]);
    const sent = backend.arrivals.map(({ metadata }) => metadata.authorization);
    expect([sent, backend.connections]).toEqual([['Bearer 1', 'Bearer 2', 'Bearer 2'], 1]);
  });

  it('counts as an attempt in the outcome and in the books, which add up, and leaves no duplicate', async () => {
    const { authorization } = tokens();
    const backend = await grpcBackend(inTurn(REFUSED, {}, { code: 14 }, REFUSED, {}));
    const sink = openGrpcSink({ url: backend.url, headers: { authorization } });
    const ledger = createLedger();
    const exported = from([SPANS, SPANS]).pipe(exportTo(sink, { retry: SWIFT_RETRIES, concurrency: 1, ledger }));
    expect(await lastValueFrom(exported.pipe(toArray()))).toMatchObject([
      { delivered: 2, attempts: 2, lost: [] },
      { delivered: 2, attempts: 3, lost: [] },
    ]);
    const { delivered, possibleDuplicates, attempts, retries, pending, lost } = ledger.stats();
    expect([delivered, possibleDuplicates, attempts, retries, pending, lost]).toEqual([4, 0, 5, 3, 0, {}]);
  });

  it('again is permanent', async () => {
    const { asked, authorization } = tokens();
    const backend = await grpcBackend(inTurn(REFUSED));
    const outcome = await outcomeOf(openGrpcSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect(outcome).toMatchObject({ delivered: 0, attempts: 2, lost: [{ count: 2, reason: 'permanent' }] });
    expect([asked, backend.arrivals.length]).toEqual([[undefined, 'UNAUTHENTICATED'], 2]);
  });

  it('whose new metadata cannot be made is tried again later, without a call', async () => {
    const backend = await grpcBackend(inTurn(REFUSED, {}));
    const authorization = ({ refused }: MetadataRequest) => {
      if (refused !== undefined) throw new Error('no token yet');
      return 'Bearer 1';
    };
    const outcome = await outcomeOf(openGrpcSink({ url: backend.url, headers: { authorization } }), SPANS);
    expect([outcome, backend.arrivals.length]).toMatchObject([{ delivered: 2, attempts: 3 }, 2]);
  });

  it('is told to functions of telemetry(), too', async () => {
    const { asked, authorization } = tokens();
    const backend = await grpcBackend(inTurn(REFUSED, {}));
    const all = telemetry({
      ...{ url: backend.url, protocol: 'grpc', environment: {} },
      headers: { authorization: (call) => authorization(call as MetadataRequest) },
      signals: { logs: false, metrics: false },
    });
    all.pipelines.traces?.processor.onEnd(spanWith({ spanContext: () => ({ ...SAMPLED }) }));
    await all.shutdown();
    expect([asked, all.stats().traces]).toMatchObject([[undefined, 'UNAUTHENTICATED'], { delivered: 1 }]);
  });
});

const SAMPLED = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };

describe('no other call', () => {
  it.each<[string, GrpcAnswer, object]>([
    ['UNAUTHENTICATED to metadata that cannot be others', REFUSED, { authorization: 'Bearer 1' }],
    ['PERMISSION_DENIED', { code: 7 }, { authorization: () => 'Bearer 1' }],
  ])('follows %s', async (_, answers, headers) => {
    const backend = await grpcBackend({ answers });
    const outcome = await outcomeOf(openGrpcSink({ url: backend.url, headers: headers as never }), SPANS);
    expect([outcome, backend.arrivals.length]).toMatchObject([{ attempts: 1, lost: [{ reason: 'permanent' }] }, 1]);
  });
});
