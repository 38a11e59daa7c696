import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { receivedBytes } from '../../../src/model/received.ts';
import { decodeTraces, encodeTraces, encodeTracesJson, viewTraces } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { generatedSpans, spanWith } from '../../support/spans.ts';

const bytes = encodeTraces([
  spanWith({ name: 'first', attributes: { key: 'value', other: 7 } }),
  spanWith({ name: 'second' }),
]);
const only = (given: Uint8Array, options = {}) => viewTraces(given, options)[0] as ReadableSpan;
const withName = (name: Buffer) =>
  field(1, field(2, field(2, field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1)), field(5, name))));

describe('a view of a span', () => {
  test('reads what it is asked for, when it is asked, once', () => {
    const given = Buffer.from(bytes);
    const span = only(given);
    expect(span.name).toBe('first');
    given.write('FIRST', given.indexOf('first'));
    given.write('VALUE', given.indexOf('value'));
    expect(span.name).toBe('first');
    expect(span.attributes).toEqual({ key: 'VALUE', other: 7 });
  });

  test('is copied with the fields that this version does not know', () => {
    const given = field(
      1,
      field(2, field(2, field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1)), field(1000, Buffer.from('new')))),
    );
    expect(Buffer.from(encodeTraces(viewTraces(given))).includes('new')).toBe(true);
    expect(Buffer.from(encodeTraces(decodeTraces(given))).includes('new')).toBe(false);
  });

  test('is written from its fields where one was replaced by an object that inherits from it', () => {
    const changed = Object.create(only(bytes), { attributes: { value: { key: 'hidden' } } }) as ReadableSpan;
    const [span] = decodeTraces(encodeTraces([changed]));
    expect(span).toMatchObject({ name: 'first', attributes: { key: 'hidden' } });
    expect(span?.spanContext()).toEqual(decodeTraces(bytes)[0]?.spanContext());
  });

  test('refuses changes, which would be lost', () => {
    const span = only(bytes);
    expect(() => Object.assign(span, { name: 'changed' })).toThrow(TypeError);
    expect(() => Object.assign(span.attributes, { key: 'changed' })).toThrow(TypeError);
    expect(() => Object.assign(span.resource.attributes, { key: 'changed' })).toThrow(TypeError);
    expect(() => Object.assign(span.spanContext(), { traceFlags: 0 })).toThrow(TypeError);
  });

  test('is taken by the official serializers', () => {
    const spans = generatedSpans({ seed: 5, count: 20 });
    const given = encodeTraces(spans);
    for (const serializer of [ProtobufTraceSerializer, JsonTraceSerializer])
      expect(serializer.serializeRequest(viewTraces(given))).toEqual(serializer.serializeRequest(decodeTraces(given)));
  });

  test('is written as JSON like a decoded one, with each field once', () => {
    const given = encodeTraces(generatedSpans({ seed: 6, count: 20 }));
    expect(encodeTracesJson(viewTraces(given))).toEqual(encodeTracesJson(decodeTraces(given)));
  });

  test('says how many bytes it takes, without being read', () => {
    const views = viewTraces(bytes);
    const others = viewTraces(bytes.slice());
    const all = [...views, ...others];
    const frames = encodeTraces(all).length - encodeTraces(all.slice(1)).length;
    expect(receivedBytes(views[0] as object)).toBe(frames);
    expect(receivedBytes(Object.create(views[0] as object))).toBeUndefined();
  });

  test('shows nothing of its request as JSON', () => {
    expect(JSON.stringify(only(bytes)).length).toBeLessThan(200);
  });
});

describe('a text that is not UTF-8', () => {
  const given = withName(Buffer.from([0x61, 0xff, 0x62]));

  test('is read with U+FFFD, and told once for each reading', () => {
    let told = 0;
    const span = only(given, { onMalformedText: () => (told += 1) });
    expect(told).toBe(0);
    expect([span.name, span.name]).toEqual(['a\ufffdb', 'a\ufffdb']);
    expect(told).toBe(1);
    expect(() => decodeTraces(given)).toThrow(/malformed/);
  });

  test('is read whatever the callback throws or reads', () => {
    const [span] = viewTraces(given, {
      onMalformedText: () => {
        void span?.name;
        throw new Error('not told');
      },
    });
    expect(span?.name).toBe('a\ufffdb');
  });

  test('passes as it came where nobody reads it', () => {
    expect(Buffer.from(encodeTraces(viewTraces(given))).includes(Buffer.from([0x61, 0xff, 0x62]))).toBe(true);
  });
});

describe('ids of a wrong length', () => {
  test('are refused at the door', () => {
    for (const length of [1, 15, 17, 32]) {
      const given = field(1, field(2, field(2, field(1, Buffer.alloc(length, 1)))));
      expect(() => viewTraces(given)).toThrow(`an id of ${length} bytes, not 16`);
    }
    expect(viewTraces(field(1, field(2, field(2, field(1)))))).toHaveLength(1);
  });
});

describe('resources and scopes', () => {
  test('of one request are one object where their bytes are equal', () => {
    const spans = [spanWith(), spanWith({ instrumentationScope: { name: 'other' } })];
    const given = Buffer.concat([encodeTraces(spans), encodeTraces(spans)]);
    const views = viewTraces(given);
    expect(new Set(views.map(({ resource }) => resource)).size).toBe(1);
    expect(new Set(views.map(({ instrumentationScope }) => instrumentationScope)).size).toBe(2);
  });

  test('of several requests are one in the next request where their bytes are equal', () => {
    const again = decodeTraces(encodeTraces([...viewTraces(bytes), ...viewTraces(bytes.slice())]));
    expect(new Set(again.map(({ resource }) => resource)).size).toBe(1);
    expect(new Set(again.map(({ instrumentationScope }) => instrumentationScope)).size).toBe(1);
  });

  test('that come in two parts are read as one, and written from their fields', () => {
    const attribute = (key: string) => field(1, field(1, Buffer.from(key)));
    const given = field(1, field(1, attribute('one')), field(2, field(2)), field(1, attribute('two')));
    expect(only(given).resource.attributes).toEqual({ one: null, two: null });
    const ids = [field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))];
    const whole = field(1, field(1, attribute('one')), field(2, field(2, ...ids)), field(1, attribute('two')));
    expect(decodeTraces(encodeTraces(viewTraces(whole)))[0]?.resource.attributes).toEqual({ one: null, two: null });
  });
});
