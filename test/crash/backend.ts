import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeTraces } from '../../src/otlp/index.ts';
import { seededRandom } from '../support/random.ts';
import { batchNameOf, faultOf } from './batches.ts';

/** A batch that was taken, and answered with 200. */
export interface Arrival {
  readonly lane: string;
  readonly life: number;
  readonly batch: string;
}

export interface Backend {
  urlOf(lane: string, life: number): string;
  /** From now on it takes everything at once. */
  isWell: boolean;
  onArrival: (arrival: Arrival) => void;
  onFault: (fault: string) => void;
  close(): Promise<void>;
}

/** Batches arrive at real sockets, under the lane and the life that sent them. It refuses some, lets some wait, and does not answer others. */
export async function startBackend(seed: number): Promise<Backend> {
  const random = seededRandom(seed);
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const mood = backend.isWell ? 1 : random();
    if (mood < 0.02) return; // as long as the sender lives
    if (mood < 0.2) {
      response.writeHead(503).end();
      return;
    }
    if (mood < 0.4) await new Promise((resolve) => setTimeout(resolve, 50 * (mood - 0.2)));
    const items = decodeTraces(Buffer.concat(chunks));
    const fault = faultOf(items);
    if (fault !== undefined) backend.onFault(fault);
    const [, lane = '', life] = (request.url ?? '').split('/');
    backend.onArrival({ lane, life: Number(life), batch: batchNameOf(items) });
    response.writeHead(200).end();
  };
  // A sender that was killed sends half a request: nothing has arrived.
  const server = createServer((request, response) => void take(request, response).catch(() => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const backend: Backend = {
    urlOf: (lane, life) => `http://127.0.0.1:${port}/${lane}/${life}`,
    isWell: false,
    onArrival: () => {},
    onFault: () => {},
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return backend;
}
