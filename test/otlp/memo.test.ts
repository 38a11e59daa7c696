import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { Memo, ownCopyOf } from '../../src/otlp/cache/memo.ts';
import { EncoderState } from '../../src/otlp/encode/encoderState.ts';
import { RequestEncoder } from '../../src/otlp/encode/requestEncoder.ts';
import { encodeTraces } from '../../src/otlp/index.ts';
import { TRACES } from '../../src/otlp/traces/encode/traceSignal.ts';
import { seeded, spanWith } from '../support/spans.ts';
import { protobufjsBytes } from './oracle.ts';

/** Asks a memo for each value in turn, as the encoder does, and says which part of them it knew. */
function hitRatio(memo: Memo<string>, values: Iterable<string | number>): number {
  let hits = 0;
  let count = 0;
  for (const value of values) {
    count += 1;
    const made = memo.find(value);
    if (made !== undefined) {
      expect(made).toBe(`made of ${value}`);
      hits += 1;
    } else if (memo.wants(value)) {
      memo.keep(ownCopyOf(value), `made of ${value}`);
    }
  }
  return hits / count;
}

function series(length: number, valueAt: (index: number) => string | number): (string | number)[] {
  return Array.from({ length }, (_, index) => valueAt(index));
}

describe('a memo', () => {
  test('knows nearly all of a few values that come again', () => {
    expect(
      hitRatio(
        new Memo(64),
        series(10_000, (index) => `route ${index % 40}`),
      ),
    ).toBeGreaterThan(0.99);
    expect(
      hitRatio(
        new Memo(64),
        series(10_000, (index) => index % 40),
      ),
    ).toBeGreaterThan(0.99);
  });

  test('knows most where some values are common and many are rare', () => {
    const random = seeded(1);
    const values = series(100_000, (index) => (random() < 0.9 ? `common ${index % 10}` : `rare ${random()}`));
    expect(hitRatio(new Memo(64), values)).toBeGreaterThan(0.8);
  });

  test('stops keeping values that never come again', () => {
    const memo = new Memo<string>(64);
    let kept = 0;
    for (let index = 0; index < 1_000_000; index++) {
      const value = `id ${index}`;
      if (memo.find(value) !== undefined || !memo.wants(value)) continue;
      memo.keep(value, value);
      kept += 1;
    }
    expect(kept).toBeLessThan(1000);
  });

  test('takes up again where values begin to come again', () => {
    const memo = new Memo<string>(64);
    hitRatio(
      memo,
      series(10_000, (index) => `id ${index}`),
    );
    expect(
      hitRatio(
        memo,
        series(100_000, (index) => `route ${index % 40}`),
      ),
    ).toBeGreaterThan(0.8);
  });

  test('never holds more than its maximum, nor a long text', () => {
    const memo = new Memo<string>(8);
    for (let index = 0; index < 100_000; index++) {
      hitRatio(memo, [index % 3 === 0 ? 'again' : `${'x'.repeat(index % 400)}${index}`]);
      expect(memo.size).toBeLessThanOrEqual(8);
    }
    const long = new Memo<string>(8);
    hitRatio(
      long,
      series(100, () => 'x'.repeat(129)),
    );
    expect(long.size).toBe(0);
  });

  test('tells a number from the string of its digits', () => {
    const memo = new Memo<string>();
    memo.keep(7, 'the number');
    memo.keep('7', 'the text');
    expect([memo.find(7), memo.find('7'), memo.find(true)]).toEqual(['the number', 'the text', undefined]);
  });
});

describe('a copy for keeping', () => {
  test.each(['', 'GET', '7', '__proto__', 'x\ud800', 'constructor', '日本語'])('of the string %j equals it', (text) => {
    expect(ownCopyOf(text)).toBe(text);
  });

  test.each([7, true])('of %s is itself', (value) => {
    expect(ownCopyOf(value)).toBe(value);
  });
});

describe('what encoding remembers', () => {
  test('tells apart values that are alike', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    const alike = [0, -0, 0, '0', -0, false, '', null, true, 1, '1', 'true', Number.NaN, 'NaN', Number.NaN, 0];
    const [first, ...others] = [...alike, ...alike].map((a) => spanWith({ attributes: { a: a as never } }));
    const spans = [
      first,
      ...others.map((span) => ({
        ...span,
        resource: first?.resource,
        instrumentationScope: first?.instrumentationScope,
      })),
    ];
    for (const span of spans) request.add(span as ReadableSpan);
    const body = request.finish().copiedFrom(state.out.bytes);
    expect(Buffer.compare(body, protobufjsBytes(spans as ReadableSpan[]))).toBe(0);
  });

  test('is written right wherever the buffer ends', () => {
    const key = 'k'.repeat(100);
    for (let room = 0; room < 400; room++) {
      const state = new EncoderState();
      const request = new RequestEncoder(state, TRACES);
      const before = spanWith({ attributes: { [key]: null as never } });
      const fill = 'x'.repeat(state.out.bytes.length - 150 - room);
      const spans = [before, { ...before, attributes: { fill, [key]: null as never } }];
      for (const span of spans) request.add(span);
      const body = request.finish().copiedFrom(state.out.bytes);
      expect(Buffer.compare(body, protobufjsBytes(spans))).toBe(0);
    }
  });

  /** Lengths of keys, texts and names: usual ones, and the longest that are remembered. */
  test.each([1, 128])(
    'writes every kind of field right wherever the buffer ends, where keys have %d characters',
    (length) => {
      const long = 'l'.repeat(length);
      const key = (name: string) => name.repeat(length);
      const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
      const attributes = {
        [key('t')]: 'a text of more than sixteen',
        [key('k')]: `${long}${long}`.slice(0, 128),
        [key('i')]: 200,
        [key('d')]: 0.1,
        [key('b')]: true,
        [key('m')]: ['books', 'garden', 'é'],
        [key('s')]: ['books', 'garden', ...(length > 1 ? Array(62).fill('x'.repeat(16)) : [])],
        [key('o')]: { [key('v')]: [1, { b: 'c' }], big: 2n ** 60n } as never,
        [key('u')]: new Uint8Array(20).fill(7) as never,
        [key('n')]: null as never,
        [key('z')]: -1,
      };
      const event = { name: long, time: [1_734_093_473, 1] as [number, number], attributes };
      const whole = spanWith({
        name: long,
        spanContext: () => ({ ...context, traceState: { serialize: () => 'vendor=state' } as never }),
        parentSpanContext: context,
        ...{ attributes, events: [event, event], links: [{ context, attributes, droppedAttributesCount: 3 }] },
        ...{ droppedAttributesCount: 200, droppedEventsCount: 200, droppedLinksCount: 200, kind: 4 },
        status: { code: 2, message: 'because' },
      });
      const bytesOfWhole = encodeTraces([whole]).length;
      // What is longer has wider places to go wrong.
      for (let room = 0; room < bytesOfWhole + 300; room += length > 1 ? 5 : 1) {
        const state = new EncoderState();
        const request = new RequestEncoder(state, TRACES);
        const fill = 'x'.repeat(state.out.bytes.length - bytesOfWhole - room);
        const spans = [
          whole,
          { ...whole, spanContext: () => context, attributes: { fill }, events: [], links: [] },
          whole,
        ];
        for (const span of spans) request.add(span);
        const body = request.finish().copiedFrom(state.out.bytes);
        expect(Buffer.compare(body, protobufjsBytes(spans))).toBe(0);
      }
    },
  );

  test('leaves a time of 0 off the wire, as the first one too', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    const spans = [spanWith({ startTime: [0, 0], endTime: [0, 1] }), spanWith({ startTime: [0, 0], endTime: [1, 0] })];
    for (const span of spans) request.add(span);
    expect(Buffer.compare(request.finish().copiedFrom(state.out.bytes), protobufjsBytes(spans))).toBe(0);
  });

  test('goes on knowing the text that most spans have, though the others never come again', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    for (let index = 0; index < 20_000; index++)
      request.add(spanWith({ attributes: { key: index % 10 === 0 ? `rare ${index}` : 'common' } }));
    expect(state.keys.find('key')?.strings.wants('common')).toBe(true);
    expect(state.keys.find('key')?.strings.find('common')?.text).toBe('common');
  });

  test('goes on knowing the keys that all spans have, though each has another one too', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    const usual = { a: 1, b: 'x', c: true, d: 0.5 };
    for (let index = 0; index < 2_000; index++) {
      request.add(spanWith({ attributes: { ...usual, [`other ${index}`]: 1 } }));
      expect(state.keys.wants('any')).toBe(true);
    }
  });

  test('goes on knowing the keys that all spans have, though one in a hundred has many others', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    const usual = { a: 1, b: 'x', c: true, d: 0.5 };
    for (let index = 0; index < 10_000; index++) {
      const others = Array.from({ length: index % 100 === 0 ? 10 : 0 }, (_, at) => [`other ${index} ${at}`, 1]);
      request.add(spanWith({ attributes: { ...usual, ...Object.fromEntries(others) } }));
      expect(state.keys.wants('any')).toBe(true);
    }
  });

  test('forgets places with the keys that stood there', () => {
    const state = new EncoderState();
    const request = new RequestEncoder(state, TRACES);
    request.add(spanWith({ name: 'known', attributes: { key: 1 } }));
    expect(state.names.find('known')?.places).toHaveLength(1);
    request.add(spanWith({ name: '', attributes: { key: 1 } }));
    expect(state.places).toHaveLength(1);
    const keys = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`key.${index}`, index]));
    request.add(spanWith({ attributes: { map: keys as never } }));
    expect(state.names.find('known')).toBeUndefined();
    expect(state.places).toEqual([]);
  });

  test('is bounded, whatever keys, values and names come', () => {
    const state = new EncoderState();
    for (let round = 0; round < 200; round++) {
      const request = new RequestEncoder(state, TRACES);
      for (let index = 0; index < 50; index++) {
        const id = round * 50 + index;
        const attributes = Object.fromEntries(
          Array.from({ length: 80 }, (_, at) => [`key.${id}.${at}`, `value ${id}`]),
        );
        request.add(spanWith({ name: `name ${id}`, attributes }));
      }
      expect(state.keys.size).toBeLessThanOrEqual(512);
      expect(state.names.size).toBeLessThanOrEqual(256);
      expect(state.places.length).toBeLessThanOrEqual(32);
      expect(state.names.find(`name ${round * 50 + 49}`)?.places.length ?? 0).toBeLessThanOrEqual(32);
    }
  });
});
