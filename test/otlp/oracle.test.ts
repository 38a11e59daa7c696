import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { astronomy } from '../support/data.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans, seeded, spanWith } from '../support/spans.ts';
import { anySpans } from './arbitrary.ts';
import { protobufjsBytes } from './oracle.ts';

function expectSameBytes(spans: readonly ReadableSpan[]): void {
  const ours = Buffer.from(encodeTraces(spans));
  const theirs = Buffer.from(protobufjsBytes(spans));
  if (ours.equals(theirs)) return;
  // They may be many: what is shown is around the first that differs.
  const at = Math.max(0, ours.findIndex((byte, index) => byte !== theirs[index]) - 20);
  expect(ours.toString('hex', at, at + 60)).toBe(theirs.toString('hex', at, at + 60));
  expect(ours.length).toBe(theirs.length);
}

describe('the encoder writes byte for byte what protobufjs writes', () => {
  test('for each recorded request', () => {
    for (const bytes of astronomy().requests()) expectSameBytes(decodeTraces(bytes));
  });

  test('for generated spans of several resources and scopes in turn', () => {
    for (let seed = 0; seed < 20; seed++) expectSameBytes(generatedSpans({ seed, count: 100 }));
  });

  test('for any spans', () => {
    fc.assert(fc.property(anySpans, expectSameBytes), randomRuns(600));
  });

  test('for few and for many resources and scopes, in any order, also where the first span of one cannot be encoded', () => {
    const random = seeded(7);
    const anyOf = (count: number) => Math.floor(random() * count);
    for (const [resources, scopes] of [
      [1, 1],
      [3, 8],
      [8, 9],
      [9, 1],
      [40, 20],
    ] as const) {
      const url = (index: number) => (index % 3 === 0 ? { schemaUrl: `https://example.com/${index}` } : {});
      const resource = Array.from({ length: resources }, (_, index) => ({
        ...spanWith().resource,
        ...url(index),
        attributes: { index, text: 'r'.repeat(index * 10) },
      }));
      const scope = Array.from({ length: scopes }, (_, index) => ({ name: 's'.repeat(index * 20), ...url(index) }));
      const spans = Array.from({ length: 600 }, (_, index) => {
        const span = spanWith({
          name: 'n'.repeat(anyOf(60)),
          resource: resource[anyOf(resources)] as ReadableSpan['resource'],
          instrumentationScope: scope[anyOf(scopes)] as ReadableSpan['instrumentationScope'],
        });
        return index % 7 === 0 ? { ...span, startTime: [Number.NaN, 0] as [number, number] } : span;
      });
      const ours = encodeTraces(spans, { onUnencodable: () => {} });
      const encodable = spans.filter(({ startTime }) => !Number.isNaN(startTime[0]));
      expect(Buffer.compare(ours, protobufjsBytes(encodable))).toBe(0);
    }
  });

  test('for times in seconds that change, up to the last that 64 bits hold', () => {
    const seconds = [1, 2, 0xffff, 0x1_0000, 0x1_0001, 1_700_000_000, 0xffff_ffff, 0x1_0000_0000, 0x3_ffff_ffff];
    const edges = [...seconds, 0x4_0000_0000, 18_446_744_069, 0];
    const times = edges.flatMap((second) =>
      [0, 1, 294_967_295, 294_967_296, 999_999_999, 0xffff_ffff].map((nanos): [number, number] => [second, nanos]),
    );
    times.push([18_446_744_073, 709_551_615]);
    const random = seeded(3);
    const anyTime = () => times[Math.floor(random() * times.length)] as [number, number];
    expectSameBytes(times.map((time) => spanWith({ startTime: time, endTime: time })));
    expectSameBytes(Array.from({ length: 2_000 }, () => spanWith({ startTime: anyTime(), endTime: anyTime() })));
    const any = fc.tuple(fc.integer({ min: 0, max: 18_446_744_072 }), fc.integer({ min: 0, max: 999_999_999 }));
    fc.assert(
      fc.property(fc.array(any), (all) => expectSameBytes(all.map((time) => spanWith({ startTime: time })))),
      randomRuns(100),
    );
  });

  test.each([
    ['ASCII', 'x'],
    ['two bytes', 'é'],
    ['three bytes', '日'],
    ['four bytes', '🛒'],
    ['lone surrogates', '\udc00'],
  ])('for texts around every length that takes another byte of length, in %s', (_, unit) => {
    const bytes = Buffer.byteLength(unit);
    for (const edge of [16, 100, 127, 128, 4096, 16_383, 16_384, 2_097_151]) {
      for (const nudge of [-12, -6, -4, -3, -2, -1, 0, 1, 2]) {
        const long = unit.repeat(Math.max(0, Math.floor(edge / bytes) + nudge));
        expectSameBytes([spanWith({ name: long, attributes: { long, list: [long] } })]);
      }
    }
  });

  test('for spans around every length that takes another byte, whatever the span before', () => {
    const lengths = [0, 30, 31, 32, 33, 34, 16_200, 16_280, 16_281, 16_282, 16_283, 16_284, 16_300, 2_100_000, 5];
    expectSameBytes(lengths.map((length) => spanWith({ name: 'n'.repeat(length) })));
  });

  test('for values that are alike, one after the other', () => {
    const alike = [0, -0, 0, '0', -0, false, '', 0n, null, true, 1, '1', 1n, 'true', Number.NaN, 'NaN', Number.NaN];
    for (let turn = 0; turn < 3; turn++) expectSameBytes(alike.map((a) => spanWith({ attributes: { a: a as never } })));
  });

  test('for attributes that inherit, and objects that are no plain ones', () => {
    const inherited = Object.assign(Object.create({ inherited: 1 }), { own: 2 });
    class Held {
      own = 3;
      get shown(): number {
        return 4;
      }
    }
    const strange = [inherited, Object.assign(Object.create(null), { a: 1 }), new Held(), ['x', 'y'], 'text'];
    expectSameBytes(strange.map((attributes) => spanWith({ attributes: attributes as ReadableSpan['attributes'] })));
  });

  test('where Object.prototype was given a property that is enumerable', () => {
    const span = spanWith({ attributes: { own: 1 } });
    const clean = encodeTraces([span]);
    let bytes = new Uint8Array(0);
    Object.defineProperty(Object.prototype, 'polluted', {
      value: 1,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    try {
      bytes = encodeTraces([span]);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
    expect(Buffer.compare(bytes, clean)).toBe(0);
  });
});
