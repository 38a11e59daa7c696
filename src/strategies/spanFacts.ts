import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { attributeOf } from '../model/attributeOf.ts';

/** The value of `SpanStatusCode.ERROR`: to import the API costs time at the start of a program. */
const ERROR = 2;

export function isFailed(span: ReadableSpan): boolean {
  return span.status.code === ERROR;
}

export function millisOf([seconds, nanos]: HrTime): number {
  return seconds * 1e3 + nanos / 1e6;
}

/** Whether it has no parent. Spans of the SDK 1.x have an id instead of the parent's context. */
export function isRoot(span: ReadableSpan): boolean {
  const parentId = (span as { readonly parentSpanId?: string }).parentSpanId;
  return (span.parentSpanContext?.spanId ?? parentId ?? '') === '';
}

/** An attribute of the span, or else of its resource. */
export function attributeOrResources(span: ReadableSpan, key: string): unknown {
  return attributeOf(span, key) ?? span.resource.attributes[key];
}

/** From the first start to the last end, in milliseconds. */
export function traceMillis(spans: readonly ReadableSpan[]): number {
  let first: HrTime | undefined;
  let last: HrTime | undefined;
  for (const { startTime, endTime } of spans) {
    if (first === undefined || isBefore(startTime, first)) first = startTime;
    if (last === undefined || isBefore(last, endTime)) last = endTime;
  }
  return first === undefined || last === undefined ? 0 : millisBetween(first, last);
}

/** Subtracted part by part: of milliseconds since 1970 a double keeps no nanoseconds. */
function millisBetween(start: HrTime, end: HrTime): number {
  return millisOf([end[0] - start[0], end[1] - start[1]]);
}

function isBefore(one: HrTime, other: HrTime): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}
