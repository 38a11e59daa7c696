import type { Dispatcher } from 'undici';
import { messageOf } from '../../errors.ts';
import { decodeStatusJson, decodeTraceResponseJson } from '../../otlp/json-response.ts';
import { decodeStatus, decodeTraceResponse } from '../../otlp/response.ts';
import { failureOfStatus } from '../../otlp/status.ts';
import { ExportError, type Response } from '../../sink.ts';

/** As much of a refusal's text is read. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Turns what came back into a response, or throws what it means. */
export async function readAnswer(
  answer: Dispatcher.ResponseData,
  maxResponseBytes: number,
  where: string,
): Promise<Response> {
  const { statusCode: status, headers } = answer;
  if (status >= 200 && status <= 299) return readSuccess(answer, maxResponseBytes, where);
  const failure = failureOfStatus(status, textOf(headers['retry-after']), Date.now());
  const said = await readRefusal(answer);
  throw new ExportError(
    failure,
    `${where} answered ${status}${status < 400 ? ', and redirects are not followed' : ''}${said}`,
  );
}

async function readSuccess(
  answer: Dispatcher.ResponseData,
  maxResponseBytes: number,
  where: string,
): Promise<Response> {
  const body = await readBody(answer, maxResponseBytes);
  // The status is the word that counts: it was given before the connection broke.
  if (body === 'broken') return { message: 'the answer broke off after its status' };
  if (body === 'tooLong') {
    throw new ExportError(
      { kind: 'permanent' },
      `${where} answered with more than maxResponseBytes ${maxResponseBytes}`,
    );
  }
  const encoding = encodingOf(answer);
  if (encoding === undefined || body.length === 0) return {};
  try {
    const { rejected, message } = encoding === 'json' ? decodeTraceResponseJson(body) : decodeTraceResponse(body);
    return message === '' ? { rejected } : { rejected, message };
  } catch (error) {
    return { message: `the answer cannot be read: ${messageOf(error)}` };
  }
}

/** What a refusal says, for the reader of a log; never a reason to fail otherwise. */
async function readRefusal(answer: Dispatcher.ResponseData): Promise<string> {
  const body = await readBody(answer, MAX_REFUSAL_BYTES);
  if (typeof body === 'string' || body.length === 0) return '';
  const text = saidIn(body, encodingOf(answer)).trim();
  return text === '' ? '' : `: ${text}`;
}

/** In JSON other things are said too, by gateways and proxies: they are readable as they are. */
function saidIn(body: Uint8Array, encoding: 'protobuf' | 'json' | undefined): string {
  const asItIs = Buffer.from(body).toString('utf8').slice(0, 200);
  try {
    if (encoding === 'protobuf') return decodeStatus(body);
    return encoding === 'json' ? decodeStatusJson(body) || asItIs : asItIs;
  } catch {
    return encoding === 'json' ? asItIs : '';
  }
}

async function readBody(answer: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array | 'broken' | 'tooLong'> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      // Leaving the loop destroys the rest of the body.
      if (length > maxBytes) return 'tooLong';
      chunks.push(chunk);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(chunks);
}

/** What the answer says of itself, whatever the request was; `undefined` where it is neither. */
function encodingOf(answer: Dispatcher.ResponseData): 'protobuf' | 'json' | undefined {
  const type = textOf(answer.headers['content-type']) ?? '';
  if (/^application\/x-protobuf\b/i.test(type)) return 'protobuf';
  return /^application\/json\s*(;|$)/i.test(type) ? 'json' : undefined;
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
