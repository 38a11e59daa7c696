import { onTestFinished, vi } from 'vitest';
import type { SignalItems, SignalName } from '../../src/model/signal.ts';
import type { ObservableSink } from '../../src/model/sink.ts';
import { type OtlpFetchOptions, otlpFetch } from '../../src/sinks/otlpFetch/index.ts';

/** An `otlpFetch` that ends with the test, and reads no variables of the machine it is tested on. */
export function openFetch<S extends SignalName = 'traces'>(
  options: OtlpFetchOptions<S>,
): ObservableSink<SignalItems[S]> {
  const sink = otlpFetch({ environment: {}, ...options });
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

/** Stands for the host's `fetch` during this test. */
export function replaceFetch(stand: typeof fetch): void {
  vi.stubGlobal('fetch', stand);
  onTestFinished(() => void vi.unstubAllGlobals());
}
