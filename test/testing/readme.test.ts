import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { bufferCount, firstValueFrom, timer } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch, createLedger, exportTo, fixedSize } from '../../src/index.ts';
import { marbles, otlpBackend, virtualTime } from '../../src/testing/index.ts';
import { pipelineLaws } from '../../src/testing/laws/index.ts';

/** What the README's programs take for granted. */
const threeOrFourMillis = {
  maxExportBatchSize: 3,
  minExportBatchSize: 1,
  scheduledDelayMillis: 4,
  strategy: fixedSize(),
} as const;

test('sends pairs, and what is left at the end', () =>
  marbles(({ hot, expectBatches, expectSubscriptions }) => {
    const source = hot('    -a-b---c-|');
    const subs = '          ^--------!';
    const expected = '      ---[ab]--([c]|)';
    expectBatches(source.pipe(bufferCount(2))).toBe(expected);
    expectSubscriptions(source.subscriptions).toBe(subs);
  }));

test('shapes spans', () =>
  marbles(({ spans }) => {
    const { a, b } = spans({
      b: { status: 'error', durationMillis: 300, trace: 'a', attributes: { 'http.route': '/cart' } },
    });
    expect(b.spanContext().traceId).toBe(a.spanContext().traceId);
  }));

test('compares books and outcomes', async () => {
  await marbles(({ hot, sink, onLoss, expectOutcomes, expectLedger }) => {
    const ledger = createLedger();
    const source = hot('  abc--d----|   ');
    const expected = '    ---o------(x|)';
    const batches = adaptiveBatch<ReadableSpan>({ ...threeOrFourMillis, ledger, onLoss });
    const exported = exportTo<ReadableSpan>(sink('-(r|)', '-p'), { ledger, onLoss });
    expectOutcomes(source.pipe(batches, exported)).toBe(expected, {
      o: { delivered: 'abc' },
      x: { lost: { permanent: 'd' }, attempts: 1 },
    });
    expectLedger(ledger, { accepted: 4, delivered: 'abc', lost: { permanent: 'd' } });
  });
});

test('holds a pipeline to the laws', async () => {
  const laws = pipelineLaws(
    ({ spans$, sink, ledger, onLoss }) =>
      spans$.pipe(
        adaptiveBatch({
          maxQueueSize: 50,
          maxExportBatchSize: 5,
          minExportBatchSize: 1,
          maxUnsettledBatches: 8,
          ledger,
          onLoss,
        }),
        exportTo(sink, { concurrency: 2, ledger, onLoss }),
      ),
    { bounds: () => ({ pending: 50 + 8 * 5, attempts: 2 }) },
  );
  await fc.assert(laws, { numRuns: 200 });
});

test('awaits what virtual time brings', async () => {
  await virtualTime(async ({ now }) => {
    const started = now();
    await firstValueFrom(timer(60_000));
    assert.equal(now() - started, 60_000);
  });
});

test('asks a backend on a real socket', async () => {
  const backend = await otlpBackend({ answers: [{ status: 503, headers: { 'retry-after': '1' } }, 'reset', 'ok'] });
  const { status } = await fetch(backend.url, { method: 'POST', body: new Uint8Array() });
  expect(status).toBe(503);
  await backend.until(({ requests }) => requests.length === 1);
  await backend.close();
});

test('every program of the README is one of these', () => {
  const compact = (code: string) => code.replaceAll(/\s+/g, '').replaceAll(/,(?=[)}\]])/g, '');
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'testing', 'README.md'), 'utf8');
  const here = compact(readFileSync(import.meta.filename, 'utf8'));
  const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program as string);
  expect(programs).toHaveLength(5);
  // Imports name the package, and what is awaited of the backend depends on what is sent.
  const parts = programs.flatMap((program) => program.split(/^(?:import .*|\/\/.*|await backend\.until.*)$/m));
  expect(parts.filter((part) => !here.includes(compact(part)))).toEqual([]);
});
