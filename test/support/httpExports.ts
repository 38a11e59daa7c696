// What the tests of the sinks have in common: each thing that is opened here is closed when its test has ended.

import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { firstValueFrom, of } from 'rxjs';
import { onTestFinished } from 'vitest';
import {
  ExportError,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  type HeadersRequest,
  type ObservableSink,
  type OtlpHttpOptions,
  type Outcome,
  otlpHttp,
  type RetryOptions,
} from '../../src/index.ts';
import { type OtlpBackend, type OtlpBackendOptions, otlpBackend } from '../../src/testing/index.ts';
import { exportOnce } from './exportOnce.ts';

export { batchOf, exportOnce } from './exportOnce.ts';

export async function startBackend(options?: OtlpBackendOptions): Promise<OtlpBackend> {
  const backend = await otlpBackend(options);
  onTestFinished(() => backend.close());
  return backend;
}

/** An `otlpHttp` that reads no variables of the machine it is tested on. */
export function openSink(options: OtlpHttpOptions): ObservableSink<ReadableSpan> {
  const sink = otlpHttp({ environment: {}, ...options });
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

/** How one attempt fails. */
export async function failureOf<T>(sink: ObservableSink<T>, items: readonly T[]): Promise<ExportError> {
  try {
    const response = await exportOnce(sink, items);
    throw new TypeError(`it did not fail, and answered ${JSON.stringify(response)}`);
  } catch (error) {
    if (error instanceof ExportError) return error;
    throw error;
  }
}

/** Three attempts without noticeable waits. */
export const SWIFT_RETRIES: RetryOptions = {
  backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' }),
  maxAttempts: 3,
};

/** What becomes of one batch. */
export function outcomeOf<T>(
  sink: ObservableSink<T>,
  items: readonly T[],
  options: ExportToOptions<T> = {},
): Promise<Outcome<T>> {
  return firstValueFrom(of(items).pipe(exportTo(sink, { retry: SWIFT_RETRIES, ...options })));
}

/** The warnings that reach OpenTelemetry's `diag` during this test. */
export function recordWarnings(): string[] {
  const warnings: string[] = [];
  const ignore = () => {};
  const warn = (message: string) => warnings.push(message);
  const logger = { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return warnings;
}

/** For functions that give headers. */
export const ANY_REQUEST: HeadersRequest = {
  ...{ method: 'POST', url: 'http://backend/v1/traces', headers: {}, body: new Uint8Array(), refused: undefined },
};
