import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { estimateItemBytes } from '../../src/flow/itemBytes.ts';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { spanWith } from '../support/spans.ts';

const PARENT_ID = 'b7ad6b7169203331';

/** As `@opentelemetry/sdk-trace-base` 1.x made them: the scope under its former name, and of the parent only the id. */
function spanOfSdk1(parts: object = {}): ReadableSpan {
  const { instrumentationScope: _scope, ...span } = spanWith();
  return { ...span, instrumentationLibrary: { name: 'library', version: '1.2.3' }, ...parts } as never;
}

const encodings = [
  { name: 'protobuf', again: (spans: ReadableSpan[]) => decodeTraces(encodeTraces(spans)), encode: encodeTraces },
  {
    name: 'JSON',
    again: (spans: ReadableSpan[]) => decodeTracesJson(encodeTracesJson(spans)),
    encode: encodeTracesJson,
  },
];

describe.each(encodings)('a span of the SDK 1.x, in $name,', ({ again, encode }) => {
  test('has its scope', () => {
    expect(again([spanOfSdk1()])[0]?.instrumentationScope).toEqual({ name: 'library', version: '1.2.3' });
  });

  test('has its parent, of which it is not known whether it is remote', () => {
    const [child, root] = again([spanOfSdk1({ parentSpanId: PARENT_ID }), spanOfSdk1()]);
    expect(child?.parentSpanContext).toEqual({ ...spanWith().spanContext(), spanId: PARENT_ID });
    expect(root?.parentSpanContext).toBeUndefined();
  });

  test('stands beside those of later ones', () => {
    const later = spanWith({ parentSpanContext: { ...spanWith().spanContext(), spanId: PARENT_ID, isRemote: true } });
    const spans = again([spanOfSdk1({ parentSpanId: PARENT_ID }), later]);
    const told = spans.map(({ instrumentationScope, parentSpanContext }) => [
      instrumentationScope.name,
      parentSpanContext?.isRemote,
    ]);
    expect(told).toEqual([
      ['library', undefined],
      ['scope', true],
    ]);
  });

  test('without a scope by either name is refused by a sentence that says which versions are taken', () => {
    for (const instrumentationLibrary of [undefined, null, 7])
      expect(() => encode([spanOfSdk1({ instrumentationLibrary })])).toThrow(
        'it has no instrumentationScope: spans of the OpenTelemetry SDK 1.x, 2.x and 3.x are taken',
      );
  });
});

test('the parent of a span of the SDK 1.x counts in its estimate', () => {
  const parent = { ...spanWith().spanContext(), spanId: PARENT_ID };
  expect(estimateItemBytes(spanOfSdk1({ parentSpanId: PARENT_ID }))).toBe(
    estimateItemBytes(spanWith({ parentSpanContext: parent })),
  );
});
