import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/index.ts';
import { failureOfCode } from '../../../src/otlp/responses/grpcStatus.ts';
import { grpcBackend } from '../../support/grpcBackend.ts';
import { openGrpcSink, retryInfo } from '../../support/grpcExports.ts';
import { failureOf, outcomeOf } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];
const NAMES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];
const CODES = [...NAMES.keys()].slice(1);

/** The table "Failures" of OTLP/gRPC. Who answers DEADLINE_EXCEEDED does not say what became of the request. */
const BY_CODE: Readonly<Record<number, Failure['kind']>> = {
  ...Object.fromEntries([1, 10, 11, 14, 15].map((code) => [code, 'retryable'])),
  4: 'unknownOutcome',
};

describe.each([
  ['at once', false],
  ['behind headers', true],
])('a status that comes %s', (_, headersFirst) => {
  it.each(CODES)('%d means what OTLP says', async (code) => {
    const backend = await grpcBackend({ answers: { code, details: 'so it is', headersFirst } });
    const { failure, message } = await failureOf(openGrpcSink({ url: backend.url }), SPANS);
    expect(failure).toEqual({ kind: BY_CODE[code] ?? 'permanent' });
    expect(message).toBe(`${backend.url} answered ${code} ${NAMES[code]}: so it is`);
  });

  it.each([8, 14, 4, 1])('%d with a RetryInfo says when', async (code) => {
    const backend = await grpcBackend({ answers: { code, status: retryInfo(code, 3, 500_000_000), headersFirst } });
    const { failure } = await failureOf(openGrpcSink({ url: backend.url }), SPANS);
    expect(failure).toEqual({ kind: 'throttled', retryAfterMillis: 3_500 });
  });

  it.each([3, 13, 16])('%d with a RetryInfo is permanent all the same', async (code) => {
    const backend = await grpcBackend({ answers: { code, status: retryInfo(code, 3), headersFirst } });
    expect((await failureOf(openGrpcSink({ url: backend.url }), SPANS)).failure).toEqual({ kind: 'permanent' });
  });
});

describe('the text of a status', () => {
  it.each([
    [8, 'grpc: received message larger than max (5242880 vs. 4194304)'],
    [8, 'grpc: received message after decompression larger than max 4194304'],
    [8, 'Received message larger than max (5242880 vs 4194304)'],
    [8, 'Received message that decompresses to a size larger than 4194304'],
    [8, 'gRPC message exceeds maximum size 4194304: 5242880'],
    [11, 'Error, decoded message length too large: found 5242880 bytes, the limit is: 4194304 bytes'],
  ])('%d "%s" is a message that is too large', (code, said) => {
    expect(failureOfCode(code, said, undefined)).toEqual({ kind: 'tooLarge' });
  });

  it('is one line in messages, and not too long', async () => {
    const backend = await grpcBackend({ answers: { code: 3, details: `a\nb${'c'.repeat(3_000)}` } });
    const { message } = await failureOf(openGrpcSink({ url: backend.url }), SPANS);
    expect(message).toContain('INVALID_ARGUMENT: a\\nbccc');
    expect(message.length).toBeLessThan(1_200);
  });
});

describe('retries', () => {
  it('are those of spanflow alone: three attempts are three calls', async () => {
    const backend = await grpcBackend({ answers: { code: 14 } });
    expect(await outcomeOf(openGrpcSink({ url: backend.url }), SPANS)).toMatchObject({ attempts: 3, delivered: 0 });
    expect(backend.arrivals).toHaveLength(3);
  });

  it('are none after a permanent failure', async () => {
    const backend = await grpcBackend({ answers: { code: 3 } });
    expect(await outcomeOf(openGrpcSink({ url: backend.url }), SPANS)).toMatchObject({ attempts: 1, delivered: 0 });
  });
});
