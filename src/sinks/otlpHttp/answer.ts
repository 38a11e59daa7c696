import type { Dispatcher } from 'undici';
import { messageOf } from '../../errors.ts';
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
  if (!isProtobuf(answer) || body.length === 0) return {};
  try {
    const { rejected, message } = decodeTraceResponse(body);
    return message === '' ? { rejected } : { rejected, message };
  } catch (error) {
    return { message: `the answer cannot be read: ${messageOf(error)}` };
  }
}

/** What a refusal says, for the reader of a log; never a reason to fail otherwise. */
async function readRefusal(answer: Dispatcher.ResponseData): Promise<string> {
  const body = await readBody(answer, MAX_REFUSAL_BYTES);
  if (typeof body === 'string' || body.length === 0) return '';
  try {
    const text = isProtobuf(answer) ? decodeStatus(body) : Buffer.from(body).toString('utf8').slice(0, 200);
    return text.trim() === '' ? '' : `: ${text.trim()}`;
  } catch {
    return '';
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

function isProtobuf(answer: Dispatcher.ResponseData): boolean {
  return /^application\/x-protobuf\b/i.test(textOf(answer.headers['content-type']) ?? '');
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
