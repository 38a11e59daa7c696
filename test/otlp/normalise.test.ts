import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import type { KeyValueJson, RequestJson, ResourceSpansJson, SpanJson } from '../support/otlpJson.ts';
import { spansOf } from '../support/otlpJson.ts';
import { decodeRequest } from '../support/wire.ts';
import { encodeRequest } from '../support/wireWriter.ts';

const ids = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef' };

function requestWith(span: SpanJson, owner: ResourceSpansJson = {}): Uint8Array {
  return encodeRequest({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, ...span }] }], ...owner }] });
}

function again(bytes: Uint8Array): RequestJson {
  return decodeRequest(encodeTraces(decodeTraces(bytes)));
}

function spanAgain(span: SpanJson): SpanJson | undefined {
  return [...spansOf(again(requestWith(span)))][0];
}

function held(attributes: KeyValueJson[]): Record<string, unknown> | undefined {
  return decodeTraces(requestWith({ attributes }))[0]?.attributes;
}

/** One span of which one attribute's value is these bytes. */
function rawAttribute(keyValue: string): Uint8Array {
  const inner = Buffer.from(keyValue, 'hex');
  const start = Buffer.from(
    `0a10${ids.traceId}1208${ids.spanId}4a${inner.length.toString(16).padStart(2, '0')}`,
    'hex',
  );
  const span = Buffer.concat([start, inner]);
  const scoped = Buffer.concat([Buffer.of(0x12, span.length), span]);
  const grouped = Buffer.concat([Buffer.of(0x12, scoped.length), scoped]);
  return Buffer.concat([Buffer.of(0x0a, grouped.length), grouped]);
}

// One test for each line of the table "What `ReadableSpan` cannot hold" in src/otlp/README.md, in its order.
describe('what ReadableSpan cannot hold', () => {
  test('a double that is a whole number becomes an integer', () => {
    const attributes = [1, -0, 2 ** 60].map((doubleValue, index) => ({
      key: 'abc'.charAt(index),
      value: { doubleValue },
    }));
    expect(spanAgain({ attributes })?.attributes).toEqual([
      { key: 'a', value: { intValue: '1' } },
      { key: 'b', value: { doubleValue: -0 } },
      { key: 'c', value: { doubleValue: 2 ** 60 } },
    ]);
  });

  test('doubles and whole numbers in one array are doubles', () => {
    const values = [{ intValue: '1' }, { doubleValue: 2.5 }];
    const [attribute] = spanAgain({ attributes: [{ key: 'a', value: { arrayValue: { values } } }] })?.attributes ?? [];
    expect(attribute?.value?.arrayValue?.values).toEqual([{ doubleValue: 1 }, { doubleValue: 2.5 }]);
  });

  test('an int64 beyond 2^53 is a bigint, and the same int64 again', () => {
    const value = { intValue: '-9007199254740993' };
    expect(held([{ key: 'n', value }])).toEqual({ n: -9007199254740993n });
    expect(spanAgain({ attributes: [{ key: 'n', value }] })?.attributes?.[0]?.value).toEqual(value);
  });

  test('several attributes of one key are one, with the last value at the first place', () => {
    const attributes = ['first', 'other', 'last'].map((stringValue, index) => ({
      key: index === 1 ? 'b' : 'a',
      value: { stringValue },
    }));
    expect(Object.entries(held(attributes) ?? {})).toEqual([
      ['a', 'last'],
      ['b', 'other'],
    ]);
  });

  test('attribute keys that are array indices come first', () => {
    const attributes = ['b', '7', 'a', '3'].map((key) => ({ key, value: { boolValue: true } }));
    expect(spanAgain({ attributes })?.attributes?.map(({ key }) => key)).toEqual(['3', '7', 'b', 'a']);
  });

  test('an attribute without a value, or with an empty one, is null and an empty value', () => {
    const attributes = [{ key: 'none' }, { key: 'empty', value: {} }];
    expect(held(attributes)).toEqual({ none: null, empty: null });
    expect(spanAgain({ attributes })?.attributes).toEqual([
      { key: 'none', value: {} },
      { key: 'empty', value: {} },
    ]);
  });

  test('what belongs to profiles is an empty key and null', () => {
    // KeyValue { value { string_value_strindex: 5 }, key_strindex: 3 }
    expect(decodeTraces(rawAttribute('120240051803'))[0]?.attributes).toEqual({ '': null });
  });

  test('bytes inside an attribute are an array of their own', () => {
    const request = requestWith({ attributes: [{ key: 'b', value: { bytesValue: 'AAECAw==' } }] });
    const bytes = decodeTraces(request)[0]?.attributes.b as Uint8Array;
    expect(bytes).toStrictEqual(Uint8Array.of(0, 1, 2, 3));
    expect(bytes.buffer.byteLength).toBe(4);
  });

  test('entity references of a resource are not held', () => {
    const resource = { droppedAttributesCount: 3, entityRefs: [{ type: 'service', idKeys: ['service.name'] }] };
    expect(again(requestWith({}, { resource })).resourceSpans?.[0]?.resource).toEqual({ droppedAttributesCount: 3 });
  });

  test('a resource, scope or status that is missing is an empty one', () => {
    const [group] = again(requestWith({})).resourceSpans ?? [];
    expect(group?.resource).toEqual({});
    expect(group?.scopeSpans?.[0]?.scope).toEqual({});
    expect(group?.scopeSpans?.[0]?.spans?.[0]?.status).toEqual({});
  });

  test('a ResourceSpans or ScopeSpans without spans is not held', () => {
    const resourceSpans = [{ resource: {} }, { scopeSpans: [{ scope: { name: 'empty' } }] }];
    expect(again(encodeRequest({ resourceSpans }))).toEqual({});
  });

  test('a kind that is unspecified or negative is internal', () => {
    for (const span of [{}, { kind: -3 }]) {
      expect(decodeTraces(requestWith(span))[0]?.kind).toBe(0);
      expect(spanAgain(span)?.kind).toBe(1);
    }
  });

  test('a status code that is negative is unset', () => {
    expect(spanAgain({ status: { code: -1, message: 'm' } })?.status).toEqual({ message: 'm' });
  });

  test('a kind or status code that is newer keeps its number', () => {
    expect(spanAgain({ kind: 9, status: { code: 7 } })).toMatchObject({ kind: 9, status: { code: 7 } });
  });

  test('flags above the lowest ten bits are not held', () => {
    expect(spanAgain({ flags: 0xfffff101 })?.flags).toBe(0x101);
  });

  test('flags that do not say whether the other side is remote say "not remote"', () => {
    const link = { ...ids, flags: 1 };
    expect(decodeTraces(requestWith({ links: [link] }))[0]?.links[0]?.context).not.toHaveProperty('isRemote');
    expect(spanAgain({ flags: 1, links: [link] })).toMatchObject({ flags: 0x101, links: [{ flags: 0x101 }] });
    const parentSpanId = '1111111111111111';
    expect(decodeTraces(requestWith({ parentSpanId }))[0]?.parentSpanContext).not.toHaveProperty('isRemote');
    expect(spanAgain({ parentSpanId, flags: 0x301 })?.flags).toBe(0x301);
    expect(spanAgain({ links: [{ ...ids, flags: 0x300 }] })?.links?.[0]?.flags).toBe(0x300);
  });

  test('"the parent is remote" without a parent is not held', () => {
    expect(spanAgain({ flags: 0x301 })?.flags).toBe(0x101);
  });

  test('the trace state of the parent is unknown', () => {
    const [span] = decodeTraces(requestWith({ traceState: 'a=1', parentSpanId: '1111111111111111' }));
    expect(span?.spanContext().traceState?.serialize()).toBe('a=1');
    expect(span?.parentSpanContext).toEqual({ traceId: ids.traceId, spanId: '1111111111111111', traceFlags: 0 });
  });

  test('an id of the wrong length is held as its digits, and cannot be sent again', () => {
    const spans = decodeTraces(requestWith({ traceId: '0102', spanId: '' }));
    expect(spans[0]?.spanContext()).toMatchObject({ traceId: '0102', spanId: '' });
    expect(() => encodeTraces(spans)).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
    expect(decodeTraces(requestWith({ parentSpanId: '' }))[0]).not.toHaveProperty('parentSpanContext');
  });

  test('an end before the start keeps both times, and lasts 0', () => {
    const times = { startTimeUnixNano: '2000000001', endTimeUnixNano: '1999999999' };
    expect(decodeTraces(requestWith(times))[0]).toMatchObject({
      startTime: [2, 1],
      endTime: [1, 999_999_999],
      duration: [0, 0],
    });
    expect(spanAgain(times)).toMatchObject(times);
  });

  test('fields that this version does not know are skipped', () => {
    const known = requestWith({ name: 'known' });
    const unknown = Buffer.concat([Buffer.from('f2060474657374f80601', 'hex'), known]);
    expect(again(unknown)).toEqual(again(known));
  });
});
