import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SpanCounter } from '../bench/support/spanCounter.ts';
import { type Ended, type Report, run } from './child.ts';
import type { OutageInput } from './programs/outage.ts';

/** A backend that answers 503 until it recovers. It counts spans and keeps nothing. */
async function ailing() {
  let isWell = false;
  let taken = 0; // spans that it said yes to
  const server = createServer((request, response) => {
    const counter = new SpanCounter();
    request.on('data', (chunk: Uint8Array) => counter.push(chunk));
    request.on('end', () => {
      if (isWell) taken += counter.spans;
      response.writeHead(isWell ? 200 : 503, { 'content-length': 0 }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    taken: () => taken,
    recover: () => {
      isWell = true;
    },
  };
}

interface Facts {
  readonly offered: number;
  readonly refused: Record<string, number>;
  readonly delivered: number;
  readonly lost: Record<string, number>;
  readonly pending: number;
  readonly memoryBytes: number;
}
const factsOf = (report: Report | undefined) => report as unknown as Facts;
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((whole, count) => whole + count, 0);

async function outage(heapMiB: number, input: Omit<OutageInput, 'url'>) {
  const backend = await ailing();
  const program = await run('outage', {
    input: { url: backend.url, ...input } satisfies OutageInput,
    flags: [`--max-old-space-size=${heapMiB}`],
    onReport: ({ is }) => {
      if (is === 'over') backend.recover();
    },
    boundMillis: 220_000,
  });
  return { backend, program };
}

/** It lives, its books add up, nothing but what found no room is lost, and the rest arrives. */
function expectKept(program: Ended, spans: number, taken: number): number {
  expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
  const after = program.all('delivered').map(factsOf);
  let kept = 0;
  program
    .all('outage')
    .map(factsOf)
    .forEach((during, index) => {
      const { offered, delivered, refused, lost, pending } = during;
      expect(offered).toBe(spans);
      expect(delivered + sum(refused) + sum(lost) + pending).toBe(spans);
      expect(after[index]).toMatchObject({ refused, lost, delivered: pending, pending: 0, memoryBytes: 0 });
      expect(new Set([...Object.keys(refused), ...Object.keys(lost), 'queueFull'])).toEqual(new Set(['queueFull']));
      kept += pending;
    });
  expect(taken).toBe(kept);
  return kept;
}

const BARE = { what: 'bare spans', attributes: 0, characters: 0 };
const SHORT = { what: 'ten short attributes', attributes: 10, characters: 10 };
const FAT = { what: 'ten of 100 characters', attributes: 10, characters: 100 };
const FATTER = { what: 'ten of 500 characters', attributes: 10, characters: 500 };

describe('an outage, with a heap of', () => {
  // Three quarters of a quarter of V8's limit (224, 352 and 608 MiB), by the estimate of a span; less the bodies that are in flight, and an eighth.
  test.each([
    { heapMiB: 128, ...BARE, spans: 40_000, atLeast: 30_000 },
    { heapMiB: 128, ...FAT, spans: 16_000, atLeast: 11_000 },
    { heapMiB: 128, ...FATTER, spans: 5_000, atLeast: 3_300 },
    { heapMiB: 256, ...BARE, spans: 40_000, atLeast: 30_000 },
    { heapMiB: 256, ...SHORT, spans: 40_000, atLeast: 30_000 },
    { heapMiB: 256, ...FAT, spans: 24_000, atLeast: 17_500 },
    { heapMiB: 256, ...FATTER, spans: 8_000, atLeast: 5_200 },
    { heapMiB: 512, ...BARE, spans: 40_000, atLeast: 30_000 },
    { heapMiB: 512, ...FAT, spans: 40_000, atLeast: 30_000 },
    { heapMiB: 512, ...FATTER, spans: 13_000, atLeast: 9_000 },
  ])(
    '$heapMiB MiB, $what: lived through, and $atLeast spans at least are kept',
    async ({ heapMiB, atLeast, ...given }) => {
      const { what: _, ...input } = given;
      const { backend, program } = await outage(heapMiB, { ...input, slice: 100, cut: true });
      expect(expectKept(program, input.spans, backend.taken())).toBeGreaterThanOrEqual(atLeast);
    },
    120_000,
  );

  test('128 MiB, and what goes is what has waited longest: likewise', async () => {
    const { what: _, ...input } = { ...FAT, spans: 16_000, slice: 100, cut: true };
    const { backend, program } = await outage(128, { ...input, overflow: 'dropOldest' });
    expect(expectKept(program, 16_000, backend.taken())).toBeGreaterThan(11_000);
  }, 240_000);

  test('128 MiB, ten pipelines: they share what there is', async () => {
    const { what: _, ...input } = { ...FAT, spans: 2_500, slice: 20, cut: true };
    const { backend, program } = await outage(128, { ...input, pipelines: 10 });
    expect(expectKept(program, 2_500, backend.taken())).toBeGreaterThan(11_000);
  }, 240_000);

  test('128 MiB, a handle: calls wait for room as far as there is memory, and all of them are answered', async () => {
    const { what: _, ...input } = FAT;
    const { backend, program } = await outage(128, { ...input, spans: 20_000, slice: 100, way: 'handle' });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    // 200 calls of 100 items: more than there is memory for, so some wait, and some find no memory to wait in.
    expect(program.one('outage').memoryBytes).toBeLessThan(45_000_000);
    const books = program.one('delivered') as unknown as { delivered: number; refused: { queueFull: number } };
    expect(books).toMatchObject({ answered: books.delivered, lost: {}, memoryBytes: 0 });
    expect(books.delivered + books.refused.queueFull).toBe(20_000);
    expect(books.delivered).toBeGreaterThan(5_000);
    expect(backend.taken()).toBe(books.delivered);
  }, 240_000);
});

test('a pipeline whose backend is dead leaves room for one whose backend is well', async () => {
  const { what: _, ...input } = FAT;
  const { backend, program } = await outage(256, {
    ...input,
    slice: 200,
    spans: 8_000,
    maxBytes: 8_388_608,
    healthy: true,
  });
  expect(expectKept(program, 8_000, backend.taken())).toBeLessThan(3_000);
  expect(program.one('well')).toMatchObject({ offered: 40, delivered: 40, lost: {}, refused: {} });
}, 240_000);

describe('a burst within one turn, with a heap of 128 MiB', () => {
  test('10,000 spans of ten short attributes: all are kept', async () => {
    const { what: _, ...input } = SHORT;
    const { backend, program } = await outage(128, { ...input, spans: 10_000, slice: 10_000 });
    expect(expectKept(program, 10_000, backend.taken())).toBe(10_000);
  }, 240_000);

  test('30,000 spans of ten attributes of 500 characters: the ring takes as many as the heap bears', async () => {
    const { what: _, ...input } = FATTER;
    const { backend, program } = await outage(128, { ...input, spans: 30_000, slice: 30_000 });
    expect(expectKept(program, 30_000, backend.taken())).toBeGreaterThan(3_300);
  }, 240_000);
});
