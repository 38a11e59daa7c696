import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { spanWith } from '../support/spans.ts';
import { encodeRequest } from '../support/wireWriter.ts';

const ids = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef' };

function decoded(traceState = ''): ReadableSpan {
  const span = { ...ids, traceState, parentSpanId: '1111111111111111', flags: 0x301 };
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
  const scopeSpans = [{ scope: { name: 'scope', version: '1' }, spans: [span, span], schemaUrl: 'https://scope' }];
  const request = { resourceSpans: [{ resource: { attributes }, scopeSpans, schemaUrl: 'https://schema' }] };
  return decodeTraces(encodeRequest(request))[0] as ReadableSpan;
}

describe('a decoded span', () => {
  test('has everything that ReadableSpan names', () => {
    expect(Object.keys(decoded())).toEqual(expect.arrayContaining(Object.keys(spanWith())));
    expect(decoded()).toMatchObject({ ended: true, duration: [0, 0], instrumentationScope: { name: 'scope' } });
    expect(decoded().parentSpanContext).toEqual({
      traceId: ids.traceId,
      spanId: '1111111111111111',
      traceFlags: 1,
      isRemote: true,
    });
  });

  test('stays whole when it is spread with something changed', () => {
    const changed = { ...decoded(), name: 'changed' };
    expect(changed.spanContext()).toMatchObject(ids);
    expect(decodeTraces(encodeTraces([changed]))[0]?.name).toBe('changed');
  });

  test('has times of its own, also where there were none on the wire', () => {
    const spans = [{ ...ids, events: [{ name: 'event' }, {}] }, ids];
    const [one, other] = decodeTraces(
      encodeRequest({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
    ) as ReadableSpan[];
    const times = [one, other].flatMap((span) => [span?.startTime, span?.endTime, span?.duration]);
    const all = [...times, ...(one?.events ?? []).map(({ time }) => time)];
    expect(all).toEqual(Array(8).fill([0, 0]));
    expect(new Set(all).size).toBe(8);
  });

  test('shares its resource and its scope with its neighbours', () => {
    const [one, two] = decodeTraces(encodeTraces([spanWith(), spanWith({ instrumentationScope: { name: 'other' } })]));
    expect(one?.resource).not.toBe(two?.resource);
    const bytes = encodeTraces([decoded(), decoded()]);
    expect(new Set(decodeTraces(bytes).map(({ resource }) => resource)).size).toBe(2);
  });

  test('keeps an attribute named __proto__ as an attribute', () => {
    const attributes = JSON.parse('{"__proto__": {"polluted": true}, "a": {"__proto__": 1}}');
    const [span] = decodeTraces(encodeTraces([spanWith({ attributes })]));
    expect(Object.keys(span?.attributes ?? {})).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(span?.attributes)).toBe(Object.prototype);
    expect(encodeTraces([span as ReadableSpan])).toEqual(encodeTraces([spanWith({ attributes })]));
  });
});

describe('a decoded trace state', () => {
  const state = decoded('a=1,b=2==,  c=3').spanContext().traceState;

  test('serializes as it came', () => {
    expect(state?.serialize()).toBe('a=1,b=2==,  c=3');
    expect(decoded().spanContext()).not.toHaveProperty('traceState');
  });

  test('finds its members', () => {
    expect(['a', 'b', 'c', 'd'].map((key) => state?.get(key))).toEqual(['1', '2==', '3', undefined]);
  });

  test('is changed into another one, with what was set in front', () => {
    expect(state?.set('c', '4').serialize()).toBe('c=4,a=1,b=2==');
    expect(state?.unset('b').serialize()).toBe('a=1,c=3');
    expect(state?.serialize()).toBe('a=1,b=2==,  c=3');
  });
});

describe('a decoded resource', () => {
  const { resource } = decoded();

  test('has no pending attributes, and keeps its schema URL', () => {
    expect(resource.asyncAttributesPending).toBe(false);
    expect(resource.getRawAttributes()).toEqual([['service.name', 'shop']]);
    expect(resource.schemaUrl).toBe('https://schema');
  });

  test('merges with one of the SDK, which wins, in both directions', () => {
    const other = resourceFromAttributes({ 'service.name': 'cart', host: 'h' });
    expect(resource.merge(other).attributes).toEqual({ 'service.name': 'cart', host: 'h' });
    expect(other.merge(resource).attributes).toEqual({ 'service.name': 'shop', host: 'h' });
    expect(resource.merge(null)).toBe(resource);
    expect(resource.merge(other).merge(null).merge(resource).attributes).toEqual({ 'service.name': 'shop', host: 'h' });
    expect(resource.merge(other).getRawAttributes()).toHaveLength(3);
  });

  test('merges its schema URL by the rule of OpenTelemetry', () => {
    const at = (schemaUrl: string) => resourceFromAttributes({}, { schemaUrl });
    expect(resource.merge(resourceFromAttributes({})).schemaUrl).toBe('https://schema');
    expect(resource.merge(at('https://schema')).schemaUrl).toBe('https://schema');
    expect(resource.merge(at('https://another')).schemaUrl).toBeFalsy();
  });

  test('waits for what is pending in the other one', async () => {
    const merged = resource.merge(resourceFromAttributes({ late: Promise.resolve('here') }));
    expect(merged.asyncAttributesPending).toBe(true);
    await merged.waitForAsyncAttributes?.();
    expect(merged.asyncAttributesPending).toBe(false);
    expect(merged.attributes).toEqual({ 'service.name': 'shop', late: 'here' });
  });
});
