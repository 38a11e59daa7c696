import { escaped } from '../../model/escaped.ts';
import type { SpanRecord } from '../shared/messages.ts';

const MAX_ATTRIBUTES = 8;
const MAX_TEXT = 80;
const ERROR = 2; // `SpanStatusCode.ERROR`

type HrTime = readonly [seconds: number, nanos: number];

/** What is read of an item: that of a `ReadableSpan` of any SDK. */
export interface SpanLike {
  readonly name: string;
  readonly startTime: HrTime;
  readonly duration: HrTime;
  readonly status?: { readonly code: number };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource?: { readonly attributes: Readonly<Record<string, unknown>> };
  readonly parentSpanContext?: { readonly spanId: string };
  /** Of SDK 1. */
  readonly parentSpanId?: string;
  spanContext(): { readonly traceId: string; readonly spanId: string };
}

/** A pipeline may carry anything; only spans have a waterfall. */
export function isSpan(item: unknown): item is SpanLike {
  return typeof (item as Partial<SpanLike> | null | undefined)?.spanContext === 'function';
}

/** A small copy of a span, so that the view holds on to none; `undefined` if the span cannot be read. */
export function spanRecord(span: SpanLike): SpanRecord | undefined {
  try {
    return {
      id: text(span.spanContext().spanId),
      parentId: optionalText(span.parentSpanContext?.spanId ?? span.parentSpanId),
      name: text(span.name),
      service: text(span.resource?.attributes['service.name'] ?? ''),
      startMillis: millisOf(span.startTime),
      durationMillis: millisOf(span.duration),
      isError: span.status?.code === ERROR,
      attributes: attributesOf(span.attributes),
    };
  } catch {
    return undefined;
  }
}

function attributesOf(attributes: SpanLike['attributes']): [string, string][] {
  const found: [string, string][] = [];
  for (const key in attributes) {
    if (found.length >= MAX_ATTRIBUTES) break;
    found.push([text(key), text(attributes[key])]);
  }
  return found;
}

function millisOf([seconds, nanos]: HrTime): number {
  const millis = seconds * 1_000 + nanos / 1_000_000;
  return Number.isFinite(millis) ? millis : 0;
}

function optionalText(value: unknown): string | undefined {
  return value === undefined ? undefined : text(value);
}

/** One short line without control characters, also of a long list or a byte array. */
function text(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const whole = Array.isArray(value) ? value.slice(0, MAX_ATTRIBUTES).join(', ') : String(value);
  const short = whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}…` : whole;
  return escaped(short);
}
