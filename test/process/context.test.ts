import { afterEach, describe, expect, it } from 'vitest';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { type Report, run } from './child.ts';
import type { ContextInput } from './programs/context.ts';

const open: OtlpBackend[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

/** Everything that was seen, once each: where, and what of a request was there. */
async function seen(
  input: Omit<ContextInput, 'url'>,
): Promise<{ places: string[]; tainted: string[]; suppressed: string[] }> {
  // The first answer makes a retry, with its wait.
  const backend = await otlpBackend({ answers: [{ status: 503 }, 'ok'] });
  open.push(backend);
  const program = await run('context', { input: { ...input, url: backend.url } });
  expect(program).toMatchObject({ code: 0, faults: [] });
  const all = program.all('seen');
  const where = (reports: readonly Report[]) => [...new Set(reports.map((report) => String(report.where)))].sort();
  return {
    places: where(all),
    tainted: where(all.filter((report) => report.request !== 'none' || report.span === true)),
    suppressed: where(all.filter((report) => report.suppressed === true)),
  };
}

const OPERATORS = [
  ...['filter', 'sizeOf', 'strategy.size', 'strategy.delayMillis', 'strategy.left', 'batch', 'sink.export'],
  ...[
    'sink attempt',
    'header function',
    'our request',
    'sink teardown',
    'onRetry',
    'random',
    'strategy.ended',
    'outcome',
  ],
];

describe('the context of the request in which a span ended', () => {
  it.each(['count', 'delay', 'flush', 'shutdown'] as const)(
    'reaches no operator, sink or callback, when the batch goes out by %s',
    async (by) => {
      const { places, tainted, suppressed } = await seen({ by, through: 'operators' });
      expect(places).toEqual(expect.arrayContaining(OPERATORS));
      expect(tainted).toEqual([]);
      expect(suppressed).toEqual(['header function', 'our request', 'our request, sent']);
    },
  );

  it.each(['count', 'delay', 'flush', 'shutdown'] as const)(
    'reaches nothing of a pipeline, when the batch goes out by %s',
    async (by) => {
      const { places, tainted, suppressed } = await seen({ by, through: 'pipeline' });
      expect(places).toEqual(expect.arrayContaining(['sink.export', 'our request', 'diag', 'outcome']));
      expect(tainted).toEqual([]);
      expect(suppressed).toEqual(['diag', 'header function', 'our request', 'our request, sent']);
    },
  );

  it.each(['count', 'flush', 'shutdown'] as const)(
    'does not reach an official exporter, which is called with tracing suppressed, by %s',
    async (by) => {
      const { tainted, suppressed } = await seen({ by, through: 'exporter' });
      expect(tainted).toEqual([]);
      // The natural end flushes and leaves everything open.
      const ends = by === 'shutdown' ? ['exporter.shutdown'] : [];
      expect(suppressed).toEqual(['exporter.forceFlush', ...ends, 'our call of the exporter']);
    },
  );
});
