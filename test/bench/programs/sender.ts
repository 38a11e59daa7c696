// Clients of a receiver: they post requests of spans, no two of which have an id or a time in common.

import { Pool } from 'undici';
import { answer, inputOf } from '../../scenarios/child.ts';
import { type PreparedRequests, requestsOf } from '../support/requests.ts';

export interface SenderInput extends PreparedRequests {
  readonly connections: number;
  /** Where the receiver listens. */
  readonly origin: string;
  readonly data?: string;
}

const input = inputOf<SenderInput>();
if (input.data !== undefined) process.env.SPANFLOW_DATA = input.data;

const prepared = requestsOf(input);
const pool = new Pool(input.origin, { connections: input.connections, pipelining: 1 });

async function send(count: number): Promise<void> {
  let next = 0;
  const post = async (): Promise<void> => {
    while (next < count) {
      const body = prepared[next++ % prepared.length] as Uint8Array;
      const headers = { 'content-type': 'application/x-protobuf' };
      const response = await pool.request({ method: 'POST', path: '/v1/traces', headers, body });
      await response.body.dump();
      if (response.statusCode !== 200) throw new Error(`the receiver answered with ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: input.connections }, post));
}

answer({
  /** Each request once. Resolves with the number of spans. */
  send: async () => {
    await send(prepared.length);
    return prepared.length * input.spansPerRequest;
  },
});
process.on('disconnect', () => process.exit(0));
