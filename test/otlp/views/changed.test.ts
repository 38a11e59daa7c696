import { type Attributes, createTraceState } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changedSpan, type SpanChanges, withAttributes } from '../../../src/model/changedSpan.ts';
import { decodeTraces, encodeTraces, encodeTracesJson, viewTraces } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { spanWith } from '../../support/spans.ts';
import { anySpans } from '../arbitrary.ts';
import { expectAlike } from './signals.ts';

/** What a span takes from another one. */
const CHANGES: ((other: ReadableSpan) => SpanChanges)[] = [
  ({ attributes }) => ({ attributes }),
  ({ attributes }) => ({ added: attributes }),
  ({ events }) => ({ events }),
  ({ links }) => ({ links }),
  ({ status }) => ({ status }),
  (other) => ({ context: other.spanContext() }),
];
const someChanges = fc.subarray(CHANGES, { minLength: 1 });

const ids = [field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))];
const text = (value: string) => field(1, Buffer.from(value));
const attribute = (key: string, value: string) => field(9, text(key), field(2, text(value)));
const received = (...fields: Buffer[]) =>
  viewTraces(field(1, field(2, field(2, ...ids, ...fields))))[0] as ReadableSpan;
const sent = (span: ReadableSpan) => decodeTraces(encodeTraces([span]))[0] as ReadableSpan;
const NEW = field(14, Buffer.from('a field of a later version'));
const isNewIn = (span: ReadableSpan) => Buffer.from(encodeTraces([span])).includes(NEW);

describe('a received span of which some was replaced', () => {
  test('is sent as one that is written from its fields', () => {
    fc.assert(
      fc.property(anySpans, anySpans, someChanges, (spans, others, makers) => {
        // Once through views: what belongs to equal resources and scopes is together then.
        const bytes = encodeTraces(viewTraces(encodeTraces(spans)));
        const change = (span: ReadableSpan, index: number) => {
          const other = others[index % others.length];
          if (other === undefined) return span;
          // One after the other, as operators do.
          return makers.reduce((changed, make) => changedSpan(changed, make(other)), span);
        };
        const fromFields = decodeTraces(encodeTraces(decodeTraces(bytes).map(change)));
        expectAlike(decodeTraces(encodeTraces(viewTraces(bytes).map(change))), fromFields);
        expect(encodeTracesJson(viewTraces(bytes).map(change))).toEqual(
          encodeTracesJson(decodeTraces(bytes).map(change)),
        );
      }),
      randomRuns(100),
    );
  });

  test('keeps the attributes of other keys in their places, and a field that this version does not know', () => {
    const span = received(attribute('a', '1'), NEW, attribute('b', '2'), attribute('bc', '3'));
    const changed = withAttributes(span, { b: 'new', z: 7 });
    expect(Object.entries(sent(changed).attributes)).toEqual(
      Object.entries({ a: '1', b: 'new', bc: '3', z: 7 } satisfies Attributes),
    );
    expect(isNewIn(changed)).toBe(true);
  });

  test('has an added attribute once, even if its key came twice', () => {
    const bytes = encodeTraces([withAttributes(received(attribute('a', '1'), attribute('a', '2')), { a: 'new' })]);
    expect(Buffer.from(bytes).toString('latin1').split('new')).toHaveLength(2);
    for (const old of ['1', '2']) expect(Buffer.from(bytes).includes(field(2, text(old)))).toBe(false);
  });

  test('reads nothing of the span where attributes are added', () => {
    let told = 0;
    const malformed = field(1, field(2, field(2, ...ids, field(5, Buffer.from([0xff])), attribute('a', '\ud800'))));
    const [span] = viewTraces(malformed, { onMalformedText: () => (told += 1) });
    encodeTraces([withAttributes(span as ReadableSpan, { b: 1 })]);
    expect(told).toBe(0);
  });

  test.each<[string, Buffer[], Attributes]>([
    ['a key behind its value', [field(9, field(2, text('1')), text('a'))], { a: 'new' }],
    ['two keys in one attribute', [field(9, text('b'), text('a'), field(2, text('1')))], { a: 'new' }],
    ['a key that is not ASCII', [attribute('schlüssel', '1')], { schlüssel: 'new' }],
    ['an empty key', [field(9, field(2, text('1')))], { '': 'new' }],
    ['a key without a value', [field(9, text('a'))], { a: 'new' }],
    ['a long key', [attribute('k'.repeat(300), '1')], { ['k'.repeat(300)]: 'new' }],
    ['a long value', [attribute('a', 'v'.repeat(70_000))], { a: 'new', b: 1 }],
    ['a field of a high number', [field(1000, Buffer.from('high')), attribute('a', '1')], { a: 'new' }],
    ['a value that OTLP has no form for', [attribute('a', '1')], { a: (() => {}) as never, b: 1 }],
  ])('with %s is sent as one that is written from its fields', (_, fields, added) => {
    const span = received(...fields);
    const [decoded] = decodeTraces(encodeTraces([span])) as [ReadableSpan];
    expectAlike([sent(withAttributes(span, added))], [sent(withAttributes(decoded, added))]);
    const replaced = { attributes: added };
    expectAlike([sent(changedSpan(span, replaced))], [sent(changedSpan(decoded, replaced))]);
  });

  test('is copied whole where only its resource was replaced', () => {
    const span = received(NEW, attribute('a', '1'));
    const changed = changedSpan(span, { resource: resourceFromAttributes({ host: 'h' }) });
    expect(sent(changed)).toMatchObject({ attributes: { a: '1' }, resource: { attributes: { host: 'h' } } });
    expect(isNewIn(changed)).toBe(true);
  });

  test('keeps its parent when its trace state is replaced', () => {
    const parent = { traceId: '01'.repeat(16), spanId: '02'.repeat(8), traceFlags: 1, isRemote: true };
    const [span] = viewTraces(encodeTraces([spanWith({ parentSpanContext: parent })])) as [ReadableSpan];
    const context = { ...span.spanContext(), traceState: createTraceState('ot=th:8') };
    const again = sent(changedSpan(span, { context }));
    expect(again.spanContext().traceState?.serialize()).toBe('ot=th:8');
    expect(again.parentSpanContext?.isRemote).toBe(true);
  });
});
