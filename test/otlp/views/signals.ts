import type fc from 'fast-check';
import { expect } from 'vitest';
import { SpanflowError } from '../../../src/model/errors.ts';
import {
  decodeLogs,
  decodeMetrics,
  decodeTraces,
  encodeLogs,
  encodeMetrics,
  encodeTraces,
  type ViewOptions,
  viewLogs,
  viewMetrics,
  viewTraces,
} from '../../../src/otlp/index.ts';
import { anySpans } from '../arbitrary.ts';
import { anyRecords } from '../logs/arbitrary.ts';
import { anyPoints } from '../metrics/arbitrary.ts';

/** What a test of views has to know of a signal. */
export interface ViewedSignal {
  readonly name: string;
  readonly any: fc.Arbitrary<object[]>;
  readonly decode: (bytes: Uint8Array, options?: object) => object[];
  readonly view: (bytes: Uint8Array, options?: ViewOptions) => object[];
  readonly encode: (items: object[]) => Uint8Array;
}

export const SIGNALS = [
  { name: 'spans', any: anySpans, decode: decodeTraces, view: viewTraces, encode: encodeTraces },
  { name: 'log records', any: anyRecords, decode: decodeLogs, view: viewLogs, encode: encodeLogs },
  { name: 'data points', any: anyPoints, decode: decodeMetrics, view: viewMetrics, encode: encodeMetrics },
] as unknown as readonly ViewedSignal[];

/** The items, or the typed error. Anything else that is thrown fails the test. */
export function outcomeOf(read: () => object[]): object[] | SpanflowError {
  try {
    return read();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SpanflowError);
    return thrown as SpanflowError;
  }
}

/** Everything that an item holds, as a plain object: the properties of a decoded one, which an inherited getter has, too. */
export function whole(item: object, like: object): Record<string, unknown> {
  const held: Record<string, unknown> = {};
  for (const key of Object.keys(like)) {
    if (key === 'context') continue;
    const value = (item as Record<string, unknown>)[key];
    held[key] = typeof value === 'function' ? value.call(item) : value;
  }
  return held;
}

/** Views hold what decoded items hold. */
export function expectAlike(views: readonly object[], decoded: readonly object[]): void {
  expect(views.length).toBe(decoded.length);
  for (const [index, item] of decoded.entries()) expect(whole(views[index] as object, item)).toEqual(whole(item, item));
}

/** Asks a view for everything that it can be asked for. */
function readAll(view: Record<string, unknown>): void {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(view))) {
    const value = view[name];
    if (name === 'spanContext' && typeof value === 'function') value.call(view);
  }
}

/** Whether a decoder refused a text that is no UTF-8, which views read with U+FFFD. */
export function isTextError({ cause }: SpanflowError): boolean {
  return (cause as { code?: string } | undefined)?.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}

/**
 * The scan refuses what the decoder refuses, and nothing else: but for ids of a wrong length, which only the scan refuses, and for texts
 * that are not UTF-8, which only the decoder does.
 */
export function expectSameVerdict({ decode, view, encode }: ViewedSignal, bytes: Uint8Array, options = {}): void {
  const views = outcomeOf(() => view(bytes, options));
  const decoded = outcomeOf(() => decode(bytes, options));
  if (Array.isArray(views)) {
    // Nothing fails later.
    for (const item of views) readAll(item as Record<string, unknown>);
    const again = encode(views);
    if (Array.isArray(decoded)) {
      expectAlike(views, decoded);
      expect(encode(view(again))).toEqual(again);
    } else expect(isTextError(decoded)).toBe(true);
  } else if (Array.isArray(decoded)) expect(views.message).toMatch(/: an id of \d+ bytes/);
}
