import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { encodeTraces, lendTraces } from '../../src/otlp/encode.ts';
import { encodeTracesJson, encodeTracesJsonInSlices } from '../../src/otlp/encode-json.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';

/** Far more than fit into one slice, on any machine. */
const MANY = generatedSpans({ seed: 11, count: 10_000 });
const FEW = generatedSpans({ seed: 12, count: 20 });

const encodings = [
  { name: 'protobuf', inSlices: bytesOf, inOneGo: encodeTraces },
  {
    name: 'JSON',
    inSlices: (spans: readonly ReadableSpan[]) => encodeTracesJsonInSlices(spans, {}),
    inOneGo: encodeTracesJson,
  },
];

function lent(spans: readonly ReadableSpan[]) {
  return lendTraces(spans, { leastBytes: 65_536 });
}

async function bytesOf(spans: readonly ReadableSpan[]) {
  return Buffer.concat((await lent(spans)).pieces);
}

/** How many turns the event loop has until something is done, in each of which the program is busy for so long. */
async function turnsDuring(act: () => Promise<unknown>, busyMillis: number): Promise<number> {
  let turns = 0;
  const turn = () => {
    turns += 1;
    const end = performance.now() + busyMillis;
    while (performance.now() < end);
    immediate = setImmediate(turn);
  };
  let immediate = setImmediate(turn);
  await act();
  clearImmediate(immediate);
  return turns;
}

describe.each(encodings)('a request that is made in slices, in $name,', ({ inSlices, inOneGo }) => {
  test('lets the event loop have turns meanwhile', async () => {
    const turns = await turnsDuring(() => inSlices(MANY), 0);
    expect(turns).toBeGreaterThan(1);
  });

  test('gets on where the program itself takes long turns, in longer slices', async () => {
    const some = MANY.slice(0, 3_000);
    const whenQuiet = await turnsDuring(() => inSlices(some), 0);
    const whenBusy = await turnsDuring(() => inSlices(some), 100);
    expect(whenBusy).toBeLessThan(whenQuiet / 2);
  });

  test('is what it is in one go', async () => {
    expect(Buffer.compare(await inSlices(MANY), inOneGo(MANY))).toBe(0);
  });

  test('waits for those before it, and holds what it would hold alone', async () => {
    const ended: string[] = [];
    const bodies = await Promise.all([
      inSlices(MANY).finally(() => ended.push('many')),
      inSlices(FEW).finally(() => ended.push('few')),
    ]);
    expect(ended).toEqual(['many', 'few']);
    expect(bodies.map((body, index) => Buffer.compare(body, inOneGo(index === 0 ? MANY : FEW)))).toEqual([0, 0]);
  });

  test('is not disturbed by spans that are encoded meanwhile, even by those that it reads', async () => {
    const encoding = spanWith();
    Object.defineProperty(encoding, 'name', { get: () => `${inOneGo(FEW).length}` });
    const spans = [...MANY, encoding, ...FEW];
    const body = inSlices(spans);
    setImmediate(() => inOneGo(FEW));
    expect(Buffer.compare(await body, inOneGo(spans))).toBe(0);
  });

  test('that cannot be made holds back none behind it', async () => {
    const broken = inSlices([spanWith({ startTime: [Number.NaN, 0] })]);
    const next = inSlices(FEW);
    await expect(broken).rejects.toMatchObject({ code: 'UNENCODABLE' });
    expect(Buffer.compare(await next, inOneGo(FEW))).toBe(0);
  });
});
