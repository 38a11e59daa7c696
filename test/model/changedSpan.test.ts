import { inspect } from 'node:util';
import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { TracerProvider as TracerProvider2 } from 'opentelemetry-sdk-trace-2';
import { describe, expect, test } from 'vitest';
import { attributeOf } from '../../src/model/attributeOf.ts';
import { ChangedSpan, changedSpan, withAttributes } from '../../src/model/changedSpan.ts';
import { decodeTraces, encodeTraces, viewTraces } from '../../src/otlp/index.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';

describe('a changed span', () => {
  test('is encoded like the original but for what was changed', () => {
    for (const span of generatedSpans({ count: 300 })) {
      expect(encodeTraces([changedSpan(span, {})])).toEqual(encodeTraces([span]));
      const plain = { ...span, attributes: { ...span.attributes, added: 1 } };
      expect(encodeTraces([withAttributes(span, { added: 1 })])).toEqual(encodeTraces([plain]));
    }
  });

  test('reads what was not changed from the original, when it is asked for', () => {
    const read: string[] = [];
    const spy = new Proxy(spanWith(), {
      get: (span, key) => {
        read.push(String(key));
        return Reflect.get(span, key);
      },
    });
    const changed = withAttributes(spy, { a: 1 });
    expect(read).toEqual([]);
    expect([changed.name, changed.attributes, changed.attributes]).toEqual(['span', { a: 1 }, { a: 1 }]);
    expect(read).toEqual(['name', 'attributes']);
  });

  test('a span of a class with private fields can be changed', () => {
    class Private {
      readonly #name = 'private';
      get name() {
        return this.#name;
      }
    }
    expect(withAttributes(new Private() as unknown as ReadableSpan, {}).name).toBe('private');
  });

  test.each([
    ['received', (span: ReadableSpan) => viewTraces(encodeTraces([span]))[0] as ReadableSpan],
    ['of an SDK', (span: ReadableSpan) => span],
  ])('that was %s and is replaced in part by Object.create is encoded as that says', (_, come) => {
    const enriched = withAttributes(come(spanWith({ attributes: { password: 'hunter2', route: '/' } })), { area: 'x' });
    const attributes = { value: { route: '/' } };
    const renamed = Object.create(enriched, { name: { value: 'renamed' } }) as ReadableSpan;
    const replaced = Object.create(enriched, { name: { value: 'renamed' }, attributes }) as ReadableSpan;
    const read = decodeTraces(encodeTraces([renamed, replaced, withAttributes(replaced, { area: 'y' })]));
    expect(read.map(({ name }) => name)).toEqual(['renamed', 'renamed', 'renamed']);
    expect(read.map((span) => span.attributes)).toEqual([
      { password: 'hunter2', route: '/', area: 'x' },
      { route: '/' },
      { route: '/', area: 'y' },
    ]);
    expect([attributeOf(renamed, 'area'), attributeOf(replaced, 'password')]).toEqual(['x', undefined]);
  });

  test('does not show what it was when it is printed', () => {
    const hidden = changedSpan(spanWith({ attributes: { password: 'hunter2' } }), { attributes: { password: '' } });
    expect(JSON.stringify(hidden) + inspect(hidden, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });

  test('is not wrapped again when it is changed again', () => {
    const span = spanWith({ attributes: { a: 1, b: 1, c: 1 } });
    const twice = withAttributes(withAttributes(span, { b: 2 }), { c: 3 });
    expect(ChangedSpan.originalOf(twice)).toBe(span);
    expect(twice.attributes).toEqual({ a: 1, b: 2, c: 3 });
    const replaced = changedSpan(twice, { attributes: { d: 4 }, status: { code: 2 } });
    expect([replaced.attributes, replaced.status]).toEqual([{ d: 4 }, { code: 2 }]);
    expect(withAttributes(replaced, { e: 5 }).attributes).toEqual({ d: 4, e: 5 });
    expect(span.attributes).toEqual({ a: 1, b: 1, c: 1 });
  });

  test.each([
    ['3', TracerProvider],
    ['2', TracerProvider2],
  ])('spans of the SDK %s', (_version, Provider) => {
    const ended: ReadableSpan[] = [];
    const onEnd = (span: unknown) => void ended.push(span as ReadableSpan);
    const processor = { onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} };
    const provider = new (Provider as typeof TracerProvider)({ spanProcessors: [processor] } as never);
    const span = provider.getTracer('shop', '1').startSpan('GET /', { attributes: { a: 1 } });
    span.addEvent('paid').setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    const [real] = ended as [ReadableSpan];
    const [received] = decodeTraces(encodeTraces([withAttributes(real, { b: 2 })]));
    const [original] = decodeTraces(encodeTraces([real]));
    expect(received).toEqual({ ...original, attributes: { a: 1, b: 2 }, spanContext: expect.anything() });
    expect(real.attributes).toEqual({ a: 1 });
  });
});
