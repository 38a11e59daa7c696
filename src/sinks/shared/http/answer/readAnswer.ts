import { messageOf } from '../../../../model/errors.ts';
import { escaped } from '../../../../model/escaped.ts';
import { ExportError, type Failure, type Response } from '../../../../model/sink.ts';
import { decodeResponseJson, decodeStatusJson } from '../../../../otlp/responses/jsonResponse.ts';
import { decodeResponse, decodeStatus } from '../../../../otlp/responses/response.ts';
import { failureOfRefusal, failureOfStatus } from '../../../../otlp/responses/status.ts';
import type { Answer, AnswerHead } from '../contract.ts';

type Encoding = 'protobuf' | 'json';

/** What is needed to read an answer. */
export interface Question {
  /** Names the destination in messages. */
  readonly where: string;
  /** Without credentials and query, for messages. */
  readonly url: string;
  /** The path of the signal, for messages: `/v1/traces`. */
  readonly path: string;
  /** The encoding of the request. */
  readonly encoding: Encoding;
  readonly maxResponseBytes: number;
}

type Place = Pick<Question, 'where' | 'url' | 'path'>;

/** How much is quoted of a body that is not an OTLP message, in characters. */
const MAX_QUOTED_LENGTH = 200;

/** The meaning of a status alone: it counts even if the rest of the answer does not come. */
export function meaningOf(head: AnswerHead, question: Place): Response | ExportError {
  if (isSuccess(head)) return { message: 'the answer broke off after its status' };
  return refusal(head, failureOfHead(head), question, '');
}

/** Returns the response that an answer means, or throws the failure that it means. */
export function readAnswer(answer: Answer, question: Question): Response {
  const { where, maxResponseBytes } = question;
  const { body } = answer;
  if (body === 'tooLong') {
    // OTLP 1.11: no retry, whatever the status. With a success status, the items were accepted.
    const failure: Failure = isSuccess(answer) ? { kind: 'permanent', mayHaveArrived: true } : { kind: 'permanent' };
    throw new ExportError(
      failure,
      `${where} answered ${answer.status} with more than maxResponseBytes ${maxResponseBytes}`,
    );
  }
  if (body === 'broken') return orThrow(meaningOf(answer, question));
  if (isSuccess(answer)) return readSuccess(answer, body, question);
  const said = body === 'unreadable' ? '' : messageIn(body, answer, question).trim();
  throw refusal(answer, failureOfRefusal(failureOfHead(answer), answer.status, said), question, said);
}

function readSuccess(head: AnswerHead, body: Uint8Array | 'unreadable', question: Question): Response {
  if (body === 'unreadable') return { message: 'the answer cannot be read: its content coding is unknown or broken' };
  const encoding = encodingOf(head, question);
  if (encoding === undefined || body.length === 0) return {};
  try {
    const { rejected, message } = encoding === 'json' ? decodeResponseJson(body) : decodeResponse(body);
    return message === '' ? { rejected } : { rejected, message: escaped(message) };
  } catch (error) {
    return { message: `the answer cannot be read: ${escaped(messageOf(error))}` };
  }
}

function isSuccess({ status }: AnswerHead): boolean {
  return status >= 200 && status <= 299;
}

function failureOfHead({ status, headers }: AnswerHead): Failure {
  return failureOfStatus(status, headerText(headers['retry-after']), Date.now());
}

function refusal({ status }: AnswerHead, failure: Failure, question: Place, said: string): ExportError {
  const redirect = status < 400 ? ', and redirects are not followed' : '';
  const reason = said === '' ? '' : `: ${escaped(said)}`;
  return new ExportError(
    failure,
    `${question.where} answered ${status}${redirect}${wrongPath(status, question)}${reason}`,
  );
}

/** Nobody serves a path that is not the signal's: an endpoint of all signals was probably given as the URL of one. */
function wrongPath(status: number, { url, path }: Place): string {
  const isPath = /\/v1\/\w+$/.test(url);
  return status === 404 && !isPath ? `; did you mean ${url.replace(/\/$/, '')}${path}?` : '';
}

/** The message of a refusal. Gateways and proxies often send plain text instead of an OTLP message; that is quoted. */
function messageIn(body: Uint8Array, answer: AnswerHead, question: Question): string {
  const encoding = encodingOf(answer, question);
  const quoted = new TextDecoder().decode(body.subarray(0, 4 * MAX_QUOTED_LENGTH)).slice(0, MAX_QUOTED_LENGTH);
  const quotedText = isText(quoted) ? quoted : '';
  try {
    if (encoding === 'protobuf') return decodeStatus(body);
    return encoding === 'json' ? decodeStatusJson(body) || quotedText : quotedText;
  } catch {
    return quotedText;
  }
}

/** Whether it has no control characters except white space and U+001B, with which terminal escapes begin. */
function isText(text: string): boolean {
  return !/[\p{Cc}\ufffd]/u.test(text.replaceAll('\u001b', '').replaceAll(/\s/g, ''));
}

/** The encoding that the answer names, or that of the request if it names none; `undefined` for any other content type. */
function encodingOf({ headers }: AnswerHead, { encoding }: Question): Encoding | undefined {
  const type = headerText(headers['content-type'])?.trim() ?? '';
  if (type === '') return encoding;
  if (/^application\/x-protobuf\b/i.test(type)) return 'protobuf';
  return /^application\/json\s*(;|$)/i.test(type) ? 'json' : undefined;
}

function headerText(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function orThrow(meaning: Response | ExportError): Response {
  if (meaning instanceof ExportError) throw meaning;
  return meaning;
}
