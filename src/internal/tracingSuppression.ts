import { escaped } from '../model/escaped.ts';
import { apiRegistry } from './apiRegistry.ts';

/** The key that OpenTelemetry's SDK looks for: `createContextKey` makes the same one. */
const SUPPRESS_TRACING = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs work of our own with tracing suppressed: otherwise exporting spans would make spans to export. */
export function untraced<R>(work: () => R): R {
  const { context } = apiRegistry();
  if (context === undefined) return work();
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), work);
}

/** Warns by OpenTelemetry's `diag`. Spans that the logger makes are suppressed, and what it throws is caught. */
export function warn(message: string): void {
  say('warn', () => message);
}

/** Tells a detail by OpenTelemetry's `diag`, if there is a logger. */
export function debug(message: () => string): void {
  say('debug', message);
}

function say(level: 'warn' | 'debug', message: () => string): void {
  const { diag } = apiRegistry();
  if (diag === undefined) return;
  try {
    untraced(() => diag[level](escaped(message())));
  } catch {
    // There is nowhere else to report it.
  }
}
