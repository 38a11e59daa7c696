import type { ServiceError } from '@grpc/grpc-js';
import { messageOf } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import {
  type AttemptPhase,
  ExportError,
  type Failure,
  PHASES_BEFORE_SENDING,
  type Response,
} from '../../model/sink.ts';
import { failureOfCode } from '../../otlp/responses/grpcStatus.ts';
import { decodeResponse } from '../../otlp/responses/response.ts';
import { retryInfoMillis } from '../../otlp/responses/retryInfo.ts';
import type { GrpcEndpoint } from '../shared/configuration/grpcEndpoint.ts';
import { hintOfPort } from '../shared/configuration/usualPorts.ts';
import type { ChannelUse } from './connection/channels.ts';
import type { ChannelSettings } from './settings.ts';

/** A call without success: what it means for its batch and for its channel. */
export interface CallFailure {
  readonly error: ExportError;
  readonly use: ChannelUse;
}

/** How much is quoted of what the other side says, in characters. */
const MAX_QUOTED_LENGTH = 1_024;

const DEADLINE_EXCEEDED = 4;
/** What `@grpc/grpc-js` puts before the text of a status. */
const CODE_AND_NAME = /^\d+ [A-Z_]+/;
/** As `@grpc/grpc-js` puts the end of a stream without a status of the backend. A connection that broke has the system's text. */
const BROKEN_TEXT =
  /^(Received RST_STREAM with code|Connection dropped|Call cancelled|Cancelled on client|Bandwidth exhausted|Protocol not secure|Write error|Write failed|Deadline exceeded after|No status information|read E[A-Z]+)/;
/** HTTP/2 promises that the first was not processed (RFC 9113, 8.7); gRPC could not open the other. */
const UNPROCESSED_TEXT = /^(Stream refused by server|Failed to start HTTP\/2 stream)/;
/** The answer is over `maxResponseBytes`, or broken: its status would have come behind it. */
const UNREADABLE_TEXT = /^(Received message (larger|that decompresses|compressed)|Failed to decompress)/;
/** A client of gRPC keeps the system's error as a string. */
const REFUSED_TEXT = /\bconnect ECONNREFUSED\b/;

/** The response that the message of a success means. */
export function responseOf(message: Buffer): Response {
  try {
    const { rejected, message: said } = decodeResponse(message);
    return { ...(rejected > 0 && { rejected }), ...(said !== '' && { message: said }) };
  } catch (error) {
    return { message: `the answer cannot be read: ${escaped(messageOf(error))}` };
  }
}

/**
 * What a status other than OK means: the backend's, or gRPC's own where the backend gave none.
 *
 * @param phase how far the call was
 */
export function failureOfCall(status: ServiceError, phase: AttemptPhase, settings: ChannelSettings): CallFailure {
  const { endpoint } = settings;
  const details = status.details.replace(/\. Resolution note: $/, '');
  const said = escaped(details.slice(0, MAX_QUOTED_LENGTH).toWellFormed());
  if (PHASES_BEFORE_SENDING.has(phase)) return unreached(status, said, settings);
  if (isOwn(status)) {
    if (UNPROCESSED_TEXT.test(said)) {
      return failed({ kind: 'retryable' }, `${endpoint.shown} took no request: ${said}`, status, 'unanswered');
    }
    if (phase !== 'reading' || BROKEN_TEXT.test(said)) {
      const message = `no answer from ${endpoint.shown} to what was sent: ${said}`;
      return failed({ kind: 'unknownOutcome' }, message, status, 'unanswered');
    }
  }
  return answered(status, said, endpoint);
}

function unreached(status: ServiceError, said: string, { endpoint, proxy }: ChannelSettings): CallFailure {
  const { shown, url } = endpoint;
  const hint = url === undefined ? '' : hintOfPort('otlpGrpc', url.port);
  const through = proxy === undefined ? '' : `the proxy ${proxy.url.origin} gives no way to it: `;
  const failure: Failure = REFUSED_TEXT.test(said)
    ? { kind: 'retryable', connectionRefused: true }
    : { kind: 'retryable' };
  return failed(failure, `no answer from ${shown} while connecting: ${through}${said}${hint}`, status, 'unanswered');
}

function answered(status: ServiceError, said: string, { shown }: GrpcEndpoint): CallFailure {
  const [name] = CODE_AND_NAME.exec(status.message) ?? [String(status.code)];
  const message = `${shown} answered ${name}${said === '' ? '' : `: ${said}`}`;
  const isUnreadable = isOwn(status) && UNREADABLE_TEXT.test(said);
  const failure: Failure = isUnreadable ? { kind: 'permanent', mayHaveArrived: true } : failureOf(status, said);
  const isRefusal = failure.kind === 'retryable' || failure.kind === 'throttled';
  return failed(failure, message, status, isRefusal ? 'refused' : 'answered');
}

/** Who answers that time is up does not say what became of the request. */
function failureOf(status: ServiceError, said: string): Failure {
  const failure = failureOfCode(status.code, said, retryAfterMillis(status));
  return status.code === DEADLINE_EXCEEDED && failure.kind === 'retryable' ? { kind: 'unknownOutcome' } : failure;
}

function failed(failure: Failure, message: string, cause: ServiceError, use: ChannelUse): CallFailure {
  return { error: new ExportError(failure, message, { cause }), use };
}

/** A status of the backend comes with headers or trailers besides itself; one that `@grpc/grpc-js` has made comes without. */
function isOwn({ metadata }: ServiceError): boolean {
  return Object.keys(metadata.getMap()).length === 0;
}

/** From the trailer in which gRPC sends details. */
function retryAfterMillis({ metadata }: ServiceError): number | undefined {
  const [details] = metadata.get('grpc-status-details-bin');
  return details instanceof Uint8Array ? retryInfoMillis(details) : undefined;
}
