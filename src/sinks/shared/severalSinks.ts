import type { Sink, SinkComponent } from '../../model/sink.ts';

/** What `exportTo` takes where a sink does not say how long an attempt takes. */
export const DEFAULT_ATTEMPT_MILLIS = 10_000;

/** The properties of a sink that is made of several: each of them is flushed and shut down once, even if it is there twice. */
export function compositeOf(
  type: string,
  given: readonly Sink<never>[],
): Omit<Sink<never>, 'name' | 'export' | 'component'> & { readonly component: SinkComponent } {
  const sinks = [...new Set(given)];
  const concurrencies = sinks.flatMap(({ maxConcurrency }) => maxConcurrency ?? []);
  const timeouts = sinks.map(({ attemptTimeoutMillis = DEFAULT_ATTEMPT_MILLIS }) => attemptTimeoutMillis);
  const [signal] = sinks.flatMap(({ component }) => component?.signal ?? []);
  return {
    component: { type, ...(signal !== undefined && { signal }) },
    ...(concurrencies.length > 0 && { maxConcurrency: Math.min(...concurrencies) }),
    ...(sinks.some((sink) => sink.attemptTimeoutMillis !== undefined) && {
      attemptTimeoutMillis: Math.max(...timeouts),
    }),
    ...(sinks.some(({ forceFlush }) => forceFlush !== undefined) && {
      forceFlush: () => all(sinks.map((sink) => async () => sink.forceFlush?.())),
    }),
    ...(sinks.some(({ shutdown }) => shutdown !== undefined) && {
      shutdown: () => all(sinks.map((sink) => async () => sink.shutdown?.())),
    }),
  };
}

/** Does all of it, even where a part fails, and rejects with the first failure. */
export async function all(works: readonly (() => Promise<void>)[]): Promise<void> {
  const ends = await Promise.allSettled(works.map((work) => work()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
