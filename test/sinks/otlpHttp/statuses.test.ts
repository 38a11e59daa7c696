import { describe, expect, it } from 'vitest';
import type { Failure, Retry } from '../../../src/index.ts';
import { failureOfStatus, parseRetryAfter } from '../../../src/otlp/responses/status.ts';
import { sinkResponseCases } from '../../support/httpCases.ts';
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
const CASES = sinkResponseCases();

/** OTLP/HTTP "Failures", written down a second time. */
function kindOf(status: number): Failure['kind'] {
  if (status === 413) return 'tooLarge';
  return status === 429 || status === 502 || status === 503 || status === 504 ? 'retryable' : 'permanent';
}

describe('a status', () => {
  it('is a success from 200 to 299, each of them', async () => {
    const backend = await startBackend({ answers: (_, index) => ({ status: 200 + index }) });
    const sink = openSink({ url: backend.url });
    for (let status = 200; status <= 299; status++) expect(await exportOnce(sink, SPANS), `${status}`).toEqual({});
    expect(backend.spans).toBe(200);
  });

  it('is a failure from 300 to 599, each of them as OTLP says', async () => {
    const backend = await startBackend({ answers: (_, index) => ({ status: 300 + index }) });
    const sink = openSink({ url: backend.url });
    for (let status = 300; status <= 599; status++) {
      const { failure, message } = await failureOf(sink, SPANS);
      expect([status, failure]).toEqual([status, { kind: kindOf(status) }]);
      expect(message).toContain(`${backend.url} answered ${status}`);
    }
    expect(backend.requestCount).toBe(300);
  });

  it.each(CASES.collector.cases)('of the collector’s table, $status $headers: $expect', async (row) => {
    const backend = await startBackend({ answers: { status: row.status, headers: { ...row.headers } } });
    const { failure } = await failureOf(openSink({ url: backend.url }), SPANS);
    if (row.expect.startsWith('permanent')) expect(['permanent', 'tooLarge']).toContain(failure.kind);
    else if (row.expect.startsWith('throttle')) expect(failure).toEqual({ kind: 'throttled', retryAfterMillis: 0 });
    else if (row.expect.startsWith('retryable')) expect(failure).toEqual({ kind: 'retryable' });
    else expect(failure).toEqual({ kind: 'throttled', retryAfterMillis: 1_000 * Number(/\d+/.exec(row.expect)?.[0]) });
  });

  it('of the JavaScript exporters’ table is retryable where they say so', () => {
    for (const table of CASES.js.tables) {
      if (table.fn !== 'isRetryable') continue;
      for (const status of table.true) expect(failureOfStatus(status, undefined, 0)).toEqual({ kind: 'retryable' });
      const failures = table.false.filter((status) => status >= 300);
      for (const status of failures) expect(failureOfStatus(status, undefined, 0).kind).toBe('permanent');
    }
  });
});

describe('a failure', () => {
  it('for good is one attempt, and the outcome says what the backend said', async () => {
    const backend = await startBackend({
      answers: { status: 400, headers: { 'content-type': 'text/plain' }, body: 'no such tenant' },
    });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 0, attempts: 1, error: { code: 'EXPORT_FAILED' } });
    expect(outcome.lost).toEqual([{ count: 2, reason: 'permanent', stage: 'exportTo(otlpHttp)' }]);
    expect(outcome.error?.message).toBe(`${backend.url} answered 400: no such tenant`);
  });

  it('that is permanent has the message of google.rpc.Status', async () => {
    // code = 1: 3, message = 2: "bad"
    const body = Uint8Array.of(0x08, 3, 0x12, 3, 0x62, 0x61, 0x64);
    const backend = await startBackend({ answers: { status: 400, body } });
    const { message } = await failureOf(openSink({ url: backend.url }), SPANS);
    expect(message).toBe(`${backend.url} answered 400: bad`);
  });

  it('because of the size is lost as tooLarge', async () => {
    const backend = await startBackend({ answers: { status: 413 } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome.lost).toEqual([{ count: 2, reason: 'tooLarge', stage: 'exportTo(otlpHttp)' }]);
    // Both, then each by itself.
    expect(backend.requestCount).toBe(3);
  });

  it('for the time being is tried again until it is over', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, { status: 429 }, 'ok'] });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 3, lost: [] });
    expect(outcome.error).toBeUndefined();
    expect([backend.spans, backend.requestCount]).toEqual([2, 3]);
  });

  it('for the time being is lost when its retries are spent, and not before', async () => {
    const backend = await startBackend({ answers: { status: 503 } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome.lost).toEqual([{ count: 2, reason: 'retriesExhausted', stage: 'exportTo(otlpHttp)' }]);
    expect([outcome.attempts, backend.requestCount]).toEqual([3, 3]);
  });

  it.each([
    ['of broken protobuf', Uint8Array.of(0x12, 0x7f)],
    ['of blanks', '  '],
  ])('with a text %s is what its status says', async (_, body) => {
    const backend = await startBackend({ answers: { status: 503, body } });
    const { failure, message } = await failureOf(openSink({ url: backend.url }), SPANS);
    expect(failure).toEqual({ kind: 'retryable' });
    expect(message).toBe(`${backend.url} answered 503`);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('by %i is refused, and its target never called', async (status) => {
    const target = await startBackend();
    const backend = await startBackend({ answers: { status, headers: { location: target.url } } });
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS);
    expect(outcome.lost).toEqual([{ count: 2, reason: 'permanent', stage: 'exportTo(otlpHttp)' }]);
    expect(outcome.error?.message).toBe(`${backend.url} answered ${status}, and redirects are not followed`);
    expect([backend.requestCount, target.requestCount, target.connections]).toEqual([1, 0, 0]);
  });
});

describe('a Retry-After', () => {
  const failureFor = async (retryAfter: string, status = 503) => {
    const backend = await startBackend({ answers: { status, headers: { 'retry-after': retryAfter } } });
    return (await failureOf(openSink({ url: backend.url }), SPANS)).failure;
  };

  it.each([429, 502, 503, 504])('counts in seconds with %i', async (status) => {
    expect(await failureFor('7', status)).toEqual({ kind: 'throttled', retryAfterMillis: 7_000 });
  });

  it('counts as a date', async () => {
    const inAnHour = await failureFor(new Date(Date.now() + 3_600_000).toUTCString());
    expect(inAnHour.kind === 'throttled' && inAnHour.retryAfterMillis).toBeGreaterThan(1_800_000);
    expect(inAnHour.kind === 'throttled' && inAnHour.retryAfterMillis).toBeLessThanOrEqual(3_600_000);
  });

  it.each(['0', 'Mon, 10 Feb 2025 15:04:05 GMT'])('that has passed (%s) is no wait', async (retryAfter) => {
    expect(await failureFor(retryAfter)).toEqual({ kind: 'throttled', retryAfterMillis: 0 });
  });

  it.each(['soon', '-100', '1.5', '0x10', '1e3', '+1', '12 s', 'Infinity'])(
    'of %s is as if it were not there',
    async (garbage) => {
      expect(await failureFor(garbage)).toEqual({ kind: 'retryable' });
    },
  );

  it('counts for nothing with a status that is permanent', async () => {
    expect(await failureFor('1', 500)).toEqual({ kind: 'permanent' });
  });

  it('is what the next attempt waits for, up to its cap', async () => {
    const backend = await startBackend({
      answers: [
        { status: 503, headers: { 'retry-after': '86400' } },
        { status: 429, headers: { 'retry-after': '0' } },
        'ok',
      ],
    });
    const waits: number[] = [];
    const onRetry = ({ delayMillis }: Retry) => waits.push(delayMillis);
    const retry = { ...SWIFT_RETRIES, maxRetryAfterMillis: 20 };
    const outcome = await outcomeOf(openSink({ url: backend.url }), SPANS, { retry, onRetry });
    expect(outcome).toMatchObject({ delivered: 2, attempts: 3 });
    // The backoff's own millisecond is longer than none.
    expect(waits).toEqual([20, 1]);
  });

  it('is read as the JavaScript exporters’ table says, a negative one excepted', () => {
    for (const table of CASES.js.tables) {
      if (table.fn !== 'parseRetryAfter') continue;
      for (const [value, millis] of table.cases) {
        // Theirs is -1 here, and then no wait at all: a hammer.
        const expected = millis === null || millis < 0 ? undefined : millis;
        expect([value, parseRetryAfter(value ?? undefined, Date.parse(table.now))]).toEqual([value, expected]);
      }
    }
  });
});

describe('a successful export', () => {
  it('causes no warning', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url }), SPANS);
    expect(warnings).toEqual([]);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-28T12:00:00Z');

  it.each([
    ['Sat, 28 Nov 2026 12:00:07 GMT', 7_000],
    ['Saturday, 28-Nov-26 12:00:07 GMT', 7_000],
    ['Sat Nov 28 12:00:07 2026', 7_000],
    ['garbage 2099', undefined],
    ['never 9999', undefined],
  ])('%s is read as RFC 9110 has it, whatever the time zone of the host', (value, millis) => {
    expect(parseRetryAfter(value, now)).toBe(millis);
  });
});
