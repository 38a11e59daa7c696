import type { ReadableSpan } from '@opentelemetry/sdk-trace';

type Scope = ReadableSpan['instrumentationScope'];

/** What a span of the SDK 1.x has instead of `instrumentationScope` and `parentSpanContext`. */
interface Span1 {
  readonly instrumentationLibrary?: Scope;
  readonly parentSpanId?: string;
}

/**
 * The scope of a span that has no `instrumentationScope`.
 *
 * @throws Error where it has none by its former name either.
 */
export function scopeOfSdk1(span: ReadableSpan): Scope {
  const scope = (span as Span1).instrumentationLibrary;
  if (typeof scope === 'object' && scope !== null) return scope;
  throw new Error('it has no instrumentationScope: spans of the OpenTelemetry SDK 1.x, 2.x and 3.x are taken');
}

/** The parent's id of a span that has no `parentSpanContext`. Whether the parent is remote is not known then. */
export function parentIdOfSdk1(span: ReadableSpan): string | undefined {
  return (span as Span1).parentSpanId;
}
