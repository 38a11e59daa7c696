import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { encodeTracesJson, encodeTracesJsonInSlices } from '../../src/otlp/json/write/encodeJson.ts';
import { encodeTraces, lendTraces } from '../../src/otlp/traces/encode/encode.ts';
import { type EventLoop, encodeInSlices } from '../../src/otlp/traces/encode/slices.ts';
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

/** An event loop of which a test says how long everything takes. */
class ScriptedLoop implements EventLoop {
  turns = 0;
  #millis = 0;
  readonly #turnMillis: number;

  constructor(turnMillis: number) {
    this.#turnMillis = turnMillis;
  }

  nowMillis(): number {
    return this.#millis;
  }

  async turn(): Promise<void> {
    this.turns += 1;
    this.#millis += this.#turnMillis;
  }

  pass(millis: number): void {
    this.#millis += millis;
  }
}

/** How many turns others have while 1,600 spans are encoded of which each takes 1/32 ms. */
async function turnsOf(turnMillis: number): Promise<number> {
  const loop = new ScriptedLoop(turnMillis);
  await encodeInSlices(MANY.slice(0, 1_600), () => loop.pass(1 / 32), undefined, loop);
  return loop.turns;
}

describe('slices', () => {
  test('are 16 spans long where those take longer than a quarter of a millisecond', async () => {
    expect(await turnsOf(0)).toBe(99);
  });

  test('take a tenth of the time that the program itself takes between them', async () => {
    // 16 spans take half a millisecond, which is the first slice; each of the others takes 10 ms, which is 320 spans.
    expect(await turnsOf(100)).toBe(5);
  });

  test('are not parted where they are short', async () => {
    const loop = new ScriptedLoop(0);
    await encodeInSlices(MANY, () => {}, undefined, loop);
    expect(loop.turns).toBe(0);
  });
});

describe.each(encodings)('a request that is made in slices, in $name,', ({ inSlices, inOneGo }) => {
  test('lets the event loop have a turn meanwhile', async () => {
    const order: string[] = [];
    const last = spanWith();
    Object.defineProperty(last, 'name', { get: () => void order.push('the last span') });
    setImmediate(() => order.push('the turn'));
    await inSlices([...MANY, last]);
    expect(order[0]).toBe('the turn');
    expect(order).toContain('the last span');
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
