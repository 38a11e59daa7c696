import { messageOf } from '../../../../model/errors.ts';
import { escaped } from '../../../../model/escaped.ts';
import { type AttemptPhase, ExportError, type Failure, PHASES_BEFORE_SENDING } from '../../../../model/sink.ts';
import { isRefused } from '../../refused.ts';

/** How messages name a phase. */
const WHILE: Readonly<Record<AttemptPhase, string>> = {
  preparing: 'while preparing the request',
  resolving: 'while looking up the name',
  connecting: 'while connecting',
  securing: 'in the TLS handshake',
  sending: 'while sending',
  waiting: 'while waiting for the answer',
  reading: 'while reading the answer',
};

/** The failure that a request without an answer means, by the phase in which it ended. */
export function unanswered(error: unknown, phase: AttemptPhase, where: string): ExportError {
  if (error instanceof ExportError) return error;
  const options = { cause: error };
  if (PHASES_BEFORE_SENDING.has(phase)) {
    const failure: Failure = isRefused(error) ? { kind: 'retryable', connectionRefused: true } : { kind: 'retryable' };
    return new ExportError(failure, `no answer from ${where} ${WHILE[phase]}: ${describe(error)}`, options);
  }
  const strange = strangeAnswer(error);
  if (strange === undefined) {
    const message = `no answer from ${where} ${WHILE[phase]}: ${describe(error)}`;
    return new ExportError({ kind: 'unknownOutcome' }, message, options);
  }
  // A retry would get the same answer, and the request may have been understood nevertheless.
  const failure: Failure = { kind: 'permanent', mayHaveArrived: true };
  return new ExportError(failure, `${where} answered in ${strange}`, options);
}

/** The protocol of an answer that is not HTTP/1.1, as far as it can be told; `undefined` for any other error. */
function strangeAnswer(error: unknown): string | undefined {
  const { code, data, message, name } = (error ?? {}) as Record<'code' | 'data' | 'message' | 'name', unknown>;
  const isUpgrade = code === 'UND_ERR_SOCKET' && (message === 'bad upgrade' || message === 'bad response');
  const isUnreadable = code === 'UND_ERR_HEADERS_OVERFLOW' || name === 'HTTPParserError';
  if (!isUpgrade && !isUnreadable) return undefined;
  const bytes = typeof data === 'string' ? data : '';
  if (isHttp2(bytes)) return 'HTTP/2; port 4317 is usually gRPC: OTLP over HTTP listens on 4318';
  if (isTls(bytes)) return 'TLS: the URL should begin with https://';
  return `what is not HTTP/1.1: ${describe(error)}`;
}

/** Whether it is a frame SETTINGS or GOAWAY of stream 0, with which an HTTP/2 server begins. */
function isHttp2(bytes: string): boolean {
  const [first, second, , type] = bytes;
  return first === '\0' && second === '\0' && (type === '\x04' || type === '\x07');
}

/** Whether it is a TLS alert. */
function isTls(bytes: string): boolean {
  return bytes.startsWith('\x15\x03');
}

/** For example `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4318`: the code and the message, as far as there are any, for each address that was tried. */
export function describe(error: unknown): string {
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: unknown };
  const all: readonly unknown[] = Array.isArray(errors) && errors.length > 0 ? errors : [error];
  const message = [...new Set(all.map(messageOf))].join(', ');
  return escaped(typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message);
}
