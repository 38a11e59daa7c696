import type { Context, Span } from '@opentelemetry/api';
import { apiRegistry } from './apiRegistry.ts';

/** The key that OpenTelemetry's API looks for: `createContextKey` makes the same one. */
const ACTIVE_SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

/** The context of the caller; `undefined` if the program has registered no context manager. */
export function activeContext(): Context | undefined {
  return apiRegistry().context?.active();
}

/** The same context, with this span as the active one. */
export function contextWith(span: Span, context: Context): Context {
  return context.setValue(ACTIVE_SPAN, span);
}

/** Runs work in a context, or, without one, in that of the caller. */
export function within<R>(context: Context | undefined, work: () => R): R {
  const manager = apiRegistry().context;
  return context === undefined || manager === undefined ? work() : manager.with(context, work);
}
