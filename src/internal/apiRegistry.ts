import type { ContextManager, DiagLogger } from '@opentelemetry/api';

/**
 * Where every copy of `@opentelemetry/api` 1.x in a process keeps what the program registered. Read directly: to import the API costs as much time as all of `spanflow/streams`, and without a registration it does nothing. API 2 may use
 * another key; the range of the peer dependency ends before it, and tests register with the real API.
 */
interface ApiRegistry {
  readonly context?: ContextManager;
  readonly diag?: DiagLogger;
}

const API_REGISTRY = Symbol.for('opentelemetry.js.api.1');

export function apiRegistry(): ApiRegistry {
  return (globalThis as { [API_REGISTRY]?: ApiRegistry })[API_REGISTRY] ?? {};
}
