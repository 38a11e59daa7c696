import { ExportError } from '../../model/sink.ts';
import type { Answer, SentRequest, Transport } from '../shared/http/contract.ts';
import { isConnectError } from '../shared/refused.ts';
import { compressed } from './compressed.ts';
import { takeKeepalive } from './keptAlive.ts';
import { readBody } from './readBody.ts';
import type { OtlpFetchSettings } from './settings.ts';

/** Sends by the host's `fetch`, which is looked up at each use: a test, or what instruments it, may replace it. */
export function fetchTransport({ keepalive, maxResponseBytes, where }: OtlpFetchSettings): Transport {
  return {
    // `fetch` copies what it is given, yet a function of another's may stand for it.
    takesLentBodies: false,
    compressed,
    request: async (request, watch, signal) => {
      signal.throwIfAborted();
      const giveBack = keepalive === 'ifSmall' ? takeKeepalive(bodyOf(request).length) : undefined;
      try {
        watch.enter('sending');
        const response = await fetched(request, signal, giveBack !== undefined).catch((error: unknown) => {
          const reason = reasonOf(error);
          if (isConnectError(reason)) watch.enter('connecting');
          throw reason;
        });
        if (response.type === 'opaqueredirect') throw redirected(where);
        watch.enter('reading');
        const head = { status: response.status, headers: Object.fromEntries(response.headers) };
        watch.headed(head);
        return { ...head, body: await readBody(response, maxResponseBytes) } satisfies Answer;
      } finally {
        giveBack?.();
      }
    },
    close: async () => {},
  };
}

/** Node and others say in the cause what has happened, and so whether there was a connection. Browsers say nothing. */
function reasonOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? cause : error;
}

function fetched(request: SentRequest, signal: AbortSignal, keepalive: boolean): Promise<Response> {
  const { origin, path, method } = request;
  // `fetch` sets the length by itself, and forbids others to.
  const { 'content-length': _, ...headers } = request.headers;
  return fetch(`${origin}${path}`, {
    ...{ method, headers, signal },
    body: bodyOf(request) as Uint8Array<ArrayBuffer>,
    redirect: 'manual',
    cache: 'no-store',
    ...(keepalive && { keepalive }),
  });
}

/** Bodies are not lent, so they are in one piece. */
function bodyOf({ body }: SentRequest): Uint8Array {
  return body as Uint8Array;
}

/** A browser does not show a redirect: neither its status nor where it leads. */
function redirected(where: string): ExportError {
  return new ExportError({ kind: 'permanent' }, `${where} answered with a redirect, and redirects are not followed`);
}
