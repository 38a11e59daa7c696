import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bombs, logBombs, metricBombs } from '../../support/bombs.ts';
import { astronomy, malformedBodies, pairs, wireCases } from '../../support/data.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { expectAlike, expectSameVerdict, SIGNALS, type ViewedSignal } from './signals.ts';

const [SPANS] = SIGNALS as [ViewedSignal];

describe.each(SIGNALS)('views of $name', (signal) => {
  const { any, decode, view, encode } = signal;

  test('hold what decoded ones hold, and are copied byte for byte', () => {
    fc.assert(
      fc.property(any, (items) => {
        // Once through views: what belongs to equal resources and scopes is together then.
        const bytes = encode(view(encode(items)));
        const views = view(bytes);
        expect(encode(views)).toEqual(bytes);
        expectAlike(views, decode(bytes));
        expect(encode(views)).toEqual(bytes);
      }),
      randomRuns(200),
    );
  });

  test('are refused where decoding is refused, whatever bytes were changed', () => {
    const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255));
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(any, changes, fc.nat(), (items, changed, cut) => {
        const bytes = encode(items).slice();
        for (const [part, byte] of changed) bytes[Math.floor(part * bytes.length)] = byte;
        expectSameVerdict(signal, bytes);
        expectSameVerdict(signal, bytes.subarray(0, cut % (bytes.length + 1)));
      }),
      randomRuns(300),
    );
  });

  test('are bounded as decoded ones are', () => {
    const limits = fc.record({
      maxItems: fc.integer({ min: 1, max: 60 }),
      maxDecodedBytes: fc.integer({ min: 1, max: 20_000 }),
    });
    fc.assert(
      fc.property(any, limits, (items, options) => expectSameVerdict(signal, encode(items), options)),
      randomRuns(100),
    );
  });

  test('hold the same objects, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(any, fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), (items, order) => {
        const bytes = encode(items);
        for (const [index, decoded] of decode(bytes).entries()) {
          const item = view(bytes)[index] as Record<string, unknown>;
          const keys = Object.keys(decoded).filter((key) => key in item);
          const asked = order.map((number) => keys[number % keys.length] as string);
          const first = asked.map((key) => item[key]);
          expectAlike([item], [decoded]);
          for (const [at, key] of asked.entries()) expect(item[key]).toBe(first[at]);
        }
      }),
      randomRuns(50),
    );
  });

  test('cannot be changed: what is read of them is frozen, to the last level', () => {
    fc.assert(
      fc.property(any, (items) => {
        for (const item of view(encode(items))) {
          for (const key of ['attributes', 'point', 'metric', 'resource', 'scope', 'events', 'links', 'body', 'hrTime'])
            expectFrozen((item as Record<string, unknown>)[key]);
        }
      }),
      randomRuns(50),
    );
  });
});

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  expect(value).toSatisfy(Object.isFrozen);
  for (const inner of Object.values(value)) expectFrozen(inner);
}

describe('the verdict on recorded and hostile bodies', () => {
  test.each(malformedBodies())('$name', ({ bytes }) => expectSameVerdict(SPANS, bytes));

  test.each(wireCases())('$name: $expect', ({ bytes }) => expectSameVerdict(SPANS, bytes));

  const all = [bombs, logBombs, metricBombs];
  const rows = SIGNALS.flatMap((signal, index) =>
    Object.entries(all[index] ?? {}).map(([name, bomb]) => ({ name: `${signal.name}: ${name}`, signal, bomb })),
  );
  test.each(rows)('$name', ({ signal, bomb }) => {
    expectSameVerdict(signal, bomb(20));
    expectSameVerdict(signal, bomb(3000), { maxDecodedBytes: 100_000 });
  });
});

/** Equal resources are brought together when they are encoded. */
function inOrder(spans: object[]): object[] {
  const idOf = (span: object) => (span as ReadableSpan).spanContext().spanId;
  return spans.toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1));
}

describe('recorded requests', () => {
  test('of many projects are read as decoded ones', () => {
    for (const { bytes } of pairs()) expectSameVerdict(SPANS, bytes);
  });

  test('of the shop are read as decoded ones, and copied with nothing lost', () => {
    let seen = 0;
    for (const bytes of astronomy().requests()) {
      const decoded = SPANS.decode(bytes);
      expectAlike(SPANS.view(bytes), decoded);
      expectAlike(inOrder(SPANS.decode(SPANS.encode(SPANS.view(bytes)))), inOrder(decoded));
      seen += decoded.length;
      if (seen > 1000) break;
    }
    expect(seen).toBeGreaterThan(0);
  });
});
