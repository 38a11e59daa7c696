import { SpanflowError } from '../../model/errors.ts';
import type { Failure } from '../../model/sink.ts';
import { failureOfCode } from '../../otlp/responses/grpcStatus.ts';
import { retryInfoMillis } from '../../otlp/responses/retryInfo.ts';
import { failureOfRefusal, failureOfStatus } from '../../otlp/responses/status.ts';
import { isRefused } from '../shared/refused.ts';

const MAX_CODE = 16;
/** What `@grpc/grpc-js` and others put before the text of a status: `14 UNAVAILABLE: no connection`. */
const GRPC_TEXT = /^(\d{1,2}) [A-Z_]+: /;
/** A gRPC client keeps the system's error as a string. */
const REFUSED_TEXT = /\bconnect ECONNREFUSED\b/;

const MAX_CAUSES = 4;

interface ExporterError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
  readonly metadata?: unknown;
  readonly data?: unknown;
  readonly cause?: unknown;
}

/**
 * What the error of an exporter means. Official exporters put the HTTP status, or the status code of gRPC, into its `code`, or into that of an error that caused it; one that says neither is tried
 * again.
 */
export function failureOfExporter(error: unknown): Failure {
  if (error instanceof SpanflowError) return { kind: 'retryable' };
  let each = error as ExporterError | null | undefined;
  for (let depth = 0; depth <= MAX_CAUSES && typeof each === 'object' && each !== null; depth++) {
    const failure = failureOfHttp(each) ?? failureOfGrpc(each);
    if (failure !== undefined) return failure;
    each = each.cause as ExporterError | null | undefined;
  }
  return isRefused(error) ? { kind: 'retryable', connectionRefused: true } : { kind: 'retryable' };
}

function failureOfHttp({ code, data, message }: ExporterError): Failure | undefined {
  if (typeof code !== 'number' || code < 300 || code > 599) return undefined;
  const said = typeof data === 'string' && data !== '' ? saidIn(data) : String(message);
  return failureOfRefusal(failureOfStatus(code, undefined, 0), code, said);
}

/** A body that an official exporter has read as text: of a `Status` in JSON its message, of one in protobuf its message is the end. */
function saidIn(data: string): string {
  try {
    return String((JSON.parse(data) as { message?: unknown } | null)?.message);
  } catch {
    return data;
  }
}

function failureOfGrpc(error: ExporterError): Failure | undefined {
  const { code } = error;
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 1 || code > MAX_CODE || !isOfGrpc(error)) {
    return undefined;
  }
  const text = `${String(error.message)} ${String(error.details)}`;
  const failure = failureOfCode(code, text, retryAfter(error.metadata));
  const isRefusal = failure.kind === 'retryable' && REFUSED_TEXT.test(text);
  return isRefusal ? { kind: 'retryable', connectionRefused: true } : failure;
}

/** Other errors have small numbers too: a `DOMException`, for example. */
function isOfGrpc({ code, details, metadata, message }: ExporterError): boolean {
  if (typeof details === 'string' || (typeof metadata === 'object' && metadata !== null)) return true;
  return typeof message === 'string' && GRPC_TEXT.exec(message)?.[1] === String(code);
}

/** From the trailer in which gRPC sends details. */
function retryAfter(metadata: unknown): number | undefined {
  try {
    const [details] = (metadata as { get(name: string): unknown[] }).get('grpc-status-details-bin');
    return details instanceof Uint8Array ? retryInfoMillis(details) : undefined;
  } catch {
    return undefined;
  }
}
