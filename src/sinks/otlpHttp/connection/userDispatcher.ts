import type { Dispatcher } from 'undici';
import { isConnectError } from '../../shared/refused.ts';
import type { Connections, RawAnswer } from './contract.ts';

/**
 * Sends through a dispatcher of the user, by `request`, the one method that all versions of undici have in common. It does not report how far a request is, so an attempt counts as `sending` from its
 * start. The sink does not close the dispatcher.
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
        // There was no connection, so nothing of the request was sent.
        if (isConnectError(error)) watch.enter('connecting');
        throw error;
      }
    },
    close: async () => {},
  };
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<RawAnswer['body']> {
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
