import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { RequestLender, type WireEncoding } from '../../src/otlp/encode/requestLender.ts';
import { type EventLoop, inSlices } from '../../src/otlp/encode/slices.ts';
import { encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { TRACES } from '../../src/otlp/traces/encode/traceSignal.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';

/** Far more than fit into one slice, on any machine. */
const MANY = generatedSpans({ seed: 11, count: 10_000 });
const FEW = generatedSpans({ seed: 12, count: 20 });

function throws(): never {
  throw new TypeError('the list throws');
}

const lender = new RequestLender(TRACES, 65_536);

const encodings = [
  { name: 'protobuf', inSlices: lentBy('protobuf'), inOneGo: encodeTraces },
  { name: 'JSON', inSlices: lentBy('json'), inOneGo: encodeTracesJson },
];

function lentBy(encoding: WireEncoding) {
  return async (spans: readonly ReadableSpan[]) => Buffer.concat((await lender.lend(spans, encoding)).pieces);
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

/** Work in steps of which each takes this long. */
function* stepsOf(count: number, millisEach: number, loop: ScriptedLoop): Generator<void, string, void> {
  for (let step = 0; step < count; step++) {
    if (step > 0) yield;
    loop.pass(millisEach);
  }
  return 'done';
}

/** How many turns others have while 100 steps of half a millisecond are made. */
async function turnsOf(turnMillis: number): Promise<number> {
  const loop = new ScriptedLoop(turnMillis);
  expect(await inSlices(stepsOf(100, 0.5, loop), loop)).toBe('done');
  return loop.turns;
}

describe('slices', () => {
  test('are one step long where a step takes longer than a quarter of a millisecond', async () => {
    expect(await turnsOf(0)).toBe(99);
  });

  test('take a tenth of the time that the program itself takes between them', async () => {
    // The first slice is one step of half a millisecond; each of the others takes 10 ms, which is 20 steps.
    expect(await turnsOf(100)).toBe(5);
  });

  test('are not parted where they are short', async () => {
    const loop = new ScriptedLoop(0);
    await inSlices(stepsOf(600, 0, loop), loop);
    expect(loop.turns).toBe(0);
  });
});

describe.each(encodings)('a request that is made in slices, in $name,', ({ name, inSlices: lent, inOneGo }) => {
  test('lets the event loop have a turn meanwhile', async () => {
    const order: string[] = [];
    const last = spanWith();
    Object.defineProperty(last, 'name', { get: () => void order.push('the last span') });
    setImmediate(() => order.push('the turn'));
    await lent([...MANY, last]);
    expect(order[0]).toBe('the turn');
    expect(order).toContain('the last span');
  });

  test('has the same bytes as one that is made at once', async () => {
    expect(Buffer.compare(await lent(MANY), inOneGo(MANY))).toBe(0);
  });

  test('waits for those before it, and holds what it would hold alone', async () => {
    const ended: string[] = [];
    const bodies = await Promise.all([
      lent(MANY).finally(() => ended.push('many')),
      lent(FEW).finally(() => ended.push('few')),
    ]);
    expect(ended).toEqual(['many', 'few']);
    expect(bodies.map((body, index) => Buffer.compare(body, inOneGo(index === 0 ? MANY : FEW)))).toEqual([0, 0]);
  });

  test('is not disturbed by spans that are encoded meanwhile, even by those that it reads', async () => {
    const encoding = spanWith();
    Object.defineProperty(encoding, 'name', { get: () => `${inOneGo(FEW).length}` });
    const spans = [...MANY, encoding, ...FEW];
    const body = lent(spans);
    setImmediate(() => inOneGo(FEW));
    expect(Buffer.compare(await body, inOneGo(spans))).toBe(0);
  });

  test('that cannot be made holds back none behind it', async () => {
    const broken = lent(Object.defineProperty(new Array<ReadableSpan>(1), 0, { get: throws }));
    const next = lent(FEW);
    await expect(broken).rejects.toThrow('the list throws');
    expect(Buffer.compare(await next, inOneGo(FEW))).toBe(0);
  });

  test('leaves out and counts spans that cannot be encoded', async () => {
    const bad = spanWith({ startTime: [Number.NaN, 0] });
    const request = await lender.lend([bad, ...FEW, bad], name === 'JSON' ? 'json' : 'protobuf');
    expect(request.unencodable).toBe(2);
    expect(Buffer.compare(Buffer.concat(request.pieces), inOneGo(FEW))).toBe(0);
  });
});
