import type { Dispatcher } from 'undici';
import type { Answer, Connections } from './contract.ts';

/**
 * Sends over a dispatcher of somebody else's, by the one method that all versions of undici have in common. It does not say how far a request is, so an attempt counts as being sent from its start;
 * and it is not closed.
 */
export function userConnections(dispatcher: Pick<Dispatcher, 'request'>, maxBytes: number): Connections {
  return {
    request: async (options, watch, signal) => {
      watch.enter('sending');
      try {
        const { statusCode: status, headers, body } = await dispatcher.request({ ...options, signal } as never);
        watch.enter('reading');
        watch.headed({ status, headers });
        return { status, headers, body: await readBody(body, maxBytes) };
      } catch (error) {
        // No connection came about: nothing of it was sent.
        if (isOfConnecting(error)) watch.enter('connecting');
        throw error;
      }
    },
    close: async () => {},
  };
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Answer['body']> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
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

function isOfConnecting(error: unknown): boolean {
  const { code, syscall, errors } = (error ?? {}) as { code?: unknown; syscall?: unknown; errors?: unknown };
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(isOfConnecting);
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
