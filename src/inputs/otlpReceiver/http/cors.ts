import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpSettings } from '../options.ts';

/** How long a browser may remember that it may send, in seconds: browsers limit it to some hours. */
const MAX_AGE_SECONDS = 7_200;
const MAX_HEADER_LENGTH = 1_024;

/** Lets pages of the allowed origins read the answers. Returns whether this was the question beforehand (preflight), which is answered. */
export function answerCors(
  request: IncomingMessage,
  response: ServerResponse,
  { cors }: Pick<HttpSettings, 'cors'>,
): boolean {
  const { origin } = request.headers;
  if (cors === undefined || origin === undefined) return false;
  response.setHeader('vary', 'Origin');
  const isAllowed = cors.allowedOrigins.includes('*') || cors.allowedOrigins.includes(origin);
  if (isAllowed) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', 'Retry-After');
  }
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  if (isAllowed) allow(request, response);
  response.writeHead(204).end();
  return true;
}

function allow({ headers }: IncomingMessage, response: ServerResponse): void {
  const asked = headers['access-control-request-headers'] ?? '';
  response.setHeader('access-control-allow-methods', 'POST');
  response.setHeader('access-control-max-age', String(MAX_AGE_SECONDS));
  if (asked.length <= MAX_HEADER_LENGTH && /^[\w!#$%&'*+.^`|~, -]+$/.test(asked))
    response.setHeader('access-control-allow-headers', asked);
}
