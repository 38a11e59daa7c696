import type { ContextManager, DiagLogger } from '@opentelemetry/api';
import { escaped } from '../model/escaped.ts';

/**
 * Where every copy of `@opentelemetry/api` 1.x in a process keeps what the program registered. Read directly: to import the API costs as much time as all of `spanflow/streams`, and without a registration it does nothing. API 2 may use
 * another key; the range of the peer dependency ends before it, and tests register with the real API.
 */
interface ApiRegistry {
  readonly context?: ContextManager;
  readonly diag?: DiagLogger;
}

const API_REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** The key that OpenTelemetry's SDK looks for: `createContextKey` makes the same one. */
const SUPPRESS_TRACING = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs work of our own with tracing suppressed: otherwise exporting spans would make spans to export. */
export function untraced<R>(work: () => R): R {
  const { context } = registry();
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
  const { diag } = registry();
  if (diag === undefined) return;
  try {
    untraced(() => diag[level](escaped(message())));
  } catch {
    // There is nowhere else to report it.
  }
}

function registry(): ApiRegistry {
  return (globalThis as { [API_REGISTRY]?: ApiRegistry })[API_REGISTRY] ?? {};
}
