import { InvalidOptionError } from '../../model/errors.ts';
import type { OtlpBackend, OtlpBackendOptions } from './otlpBackendApi.ts';

export type { BackendScript, OtlpBackend, OtlpBackendOptions } from './otlpBackendApi.ts';

/**
 * Starts a fake backend that receives OTLP over HTTP and answers as scripted. It runs in real time, not in virtual time.
 *
 * @throws InvalidOptionError when a limit is not a whole number of 1 or more, or a list of answers is empty
 * @throws SpanflowError with the code `CANNOT_LISTEN` when the port is taken
 *
 * @example
 * ```ts
 * const backend = await otlpBackend({ answers: [{ status: 503 }, 'ok'] });
 * await fetch(backend.url, { method: 'POST', body: new Uint8Array() }); // or a pipeline that exports to backend.url
 * await backend.until(({ requestCount }) => requestCount === 1);
 * await backend.close();
 * ```
 */
export async function otlpBackend(options: OtlpBackendOptions = {}): Promise<OtlpBackend> {
  for (const name of ['maxBodyBytes', 'maxRequests', 'maxRecordedBytes'] as const) {
    const bound = options[name] ?? 1;
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new InvalidOptionError(`otlpBackend.${name}`, 'a whole number from 1', bound);
    }
  }
  // Loaded when it is needed: most tests of a marble kit open no socket, and a receiver is much to load.
  const { FakeBackend } = await import('./fakeBackend.ts');
  const backend = new FakeBackend(options);
  await backend.listen();
  return backend;
}
