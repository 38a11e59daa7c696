import { context, createContextKey, diag } from '@opentelemetry/api';
import { escaped } from '../model/escaped.ts';

/** The key that OpenTelemetry's SDK looks for; keys of the same description are the same key. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs work of our own so that no instrumentation makes spans of it: otherwise exporting spans would make spans to export. */
export function untraced<R>(work: () => R): R {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), work);
}

/** Tells OpenTelemetry's `diag`. The logger may do what it likes: the spans that it makes are suppressed, its exceptions caught. */
export function warn(message: string): void {
  try {
    untraced(() => diag.warn(escaped(message)));
  } catch {
    // There is nobody left to tell.
  }
}
