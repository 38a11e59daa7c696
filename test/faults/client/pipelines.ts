import type { Tracer } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, finalize } from 'rxjs';
import {
  exponentialBackoff,
  type ObservableSink,
  otlpHttp,
  type SpanPipeline,
  spanPipeline,
} from '../../../src/index.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { tracerOf } from '../../process/programs/kit.ts';
import { EVER_MILLIS, type Temper, type TrialInput } from './trialInput.ts';

/** A pipeline, and a real tracer that feeds it. */
export interface Opened {
  readonly pipeline: SpanPipeline;
  readonly tracer: Tracer;
  readonly firstAttemptEnded: Promise<void>;
}

const BACKOFF = exponentialBackoff({ initialMillis: 1, maxMillis: 20 });

/** What `Retry-After` and `RetryInfo` ask for is longer than any test would wait: it is kept up to this. */
const MAX_RETRY_AFTER_MILLIS = 50;

/** @param onAttempt called when an attempt begins */
export function open(temper: Temper, input: TrialInput, onAttempt: () => void): Opened {
  const ended = Promise.withResolvers<void>();
  const pipeline = spanPipeline({
    sink: watched(sinkOf(input), onAttempt, ended.resolve),
    environment: {},
    maxExportBatchSize: 10,
    scheduledDelayMillis: 1,
    ...limitsOf(temper, input),
  });
  return { pipeline, tracer: tracerOf(pipeline.processor), firstAttemptEnded: ended.promise };
}

function sinkOf({ protocol, url, ca }: TrialInput): ObservableSink<ReadableSpan> {
  const options = { environment: {}, ...(ca !== undefined && { tls: { ca } }) };
  return protocol === 'http' ? otlpHttp({ url: `${url}/v1/traces`, ...options }) : otlpGrpc({ url, ...options });
}

function limitsOf(temper: Temper, { attemptMillis, attempts }: TrialInput) {
  const retry = { backoff: BACKOFF, maxElapsedMillis: EVER_MILLIS, maxRetryAfterMillis: MAX_RETRY_AFTER_MILLIS };
  switch (temper) {
    case 'patient':
      return { attemptTimeoutMillis: attemptMillis, retry: { ...retry, maxAttempts: attempts } };
    case 'hasty':
      return { attemptTimeoutMillis: EVER_MILLIS, retry };
    case 'recovering':
      return { attemptTimeoutMillis: attemptMillis, retry };
  }
}

function watched(
  sink: ObservableSink<ReadableSpan>,
  onBegin: () => void,
  onEnd: () => void,
): ObservableSink<ReadableSpan> {
  return {
    ...sink,
    export: (batch, attempt) =>
      defer(() => {
        onBegin();
        return sink.export(batch, attempt);
      }).pipe(finalize(onEnd)),
  };
}
