import { describe, expect, test } from 'vitest';
import { estimateItemBytes } from '../../src/flow/itemBytes.ts';
import { receivedBytes } from '../../src/model/received.ts';
import { decodeTraces, encodeTraces, viewTraces } from '../../src/otlp/index.ts';
import { bareSpans, requestSpans, type Workload } from '../bench/support/workloads.ts';
import { astronomy } from '../support/data.ts';
import { spanWith } from '../support/spans.ts';

/** The whole recorded set, in 512s. */
function wholeShop(): Pick<Workload, 'name' | 'batches'> {
  const { origin, requests } = astronomy();
  const spans = [...requests()].flatMap((bytes) => decodeTraces(bytes));
  const batches = Array.from({ length: Math.ceil(spans.length / 512) }, (_, at) =>
    spans.slice(at * 512, (at + 1) * 512),
  );
  return { name: `${origin} shop`, batches };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('estimateItemBytes', () => {
  test.each([
    ['text', 'x'.repeat(100_000)],
    ['bytes', new Uint8Array(100_000)],
    ['texts', Array.from({ length: 1_000 }, () => 'x'.repeat(100))],
    ['a map', { a: 'x'.repeat(50_000), b: { c: 'y'.repeat(50_000) } }],
    ['arrays in arrays', [[['x'.repeat(100_000)]]]],
  ])('counts %s about as the wire does', (_what, value) => {
    const span = spanWith({ attributes: { key: value as string } });
    const wire = encodeTraces([span]).length;
    expect(estimateItemBytes(span) / wire).toBeGreaterThan(0.8);
    expect(estimateItemBytes(span) / wire).toBeLessThan(1.2);
  });

  test.each([wholeShop(), requestSpans(), bareSpans()])(
    'is within a tenth of what batches of spans take on the wire: $name',
    ({ batches }) => {
      expect(batches.length).toBeGreaterThan(0);
      const ratios = batches.map((spans) => sum(spans.map(estimateItemBytes)) / encodeTraces(spans).length);
      expect(Math.min(...ratios)).toBeGreaterThan(0.9);
      expect(Math.max(...ratios)).toBeLessThan(1.1);
    },
  );

  test('reads nothing of a received span: it knows its length', () => {
    const body = encodeTraces([spanWith({ events: [{ name: 'a?b', time: [1, 0] }] })]);
    body[Buffer.from(body).indexOf('a?b') + 1] = 0xff;
    let malformed = 0;
    const onMalformedText = () => {
      malformed += 1;
    };
    const [span] = viewTraces(body, { onMalformedText });
    expect(estimateItemBytes(span)).toBe(receivedBytes(span as object));
    expect(malformed).toBe(0);
    expect(span?.events[0]?.name).toBe('a\ufffdb');
    expect(malformed).toBe(1);
  });

  test('ends with a circular value', () => {
    const circular: unknown[] = [];
    for (let index = 0; index < 10; index += 1) circular.push(circular);
    expect(estimateItemBytes(spanWith({ attributes: { circular: circular as string[] } }))).toBeGreaterThan(0);
  });

  test('ends with an array that grows while it is read', () => {
    let length = 1;
    const growing = new Proxy(['x'], { get: (_, key) => (key === 'length' ? length++ : 'x') });
    expect(estimateItemBytes(spanWith({ attributes: { growing } }))).toBeGreaterThan(0);
  });

  test('counts other items by their length, or as 0', () => {
    expect(['abc', 5, new Uint8Array(7), {}, null, undefined].map(estimateItemBytes)).toEqual([3, 8, 7, 0, 0, 0]);
  });
});
