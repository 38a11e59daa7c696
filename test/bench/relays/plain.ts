// What Node does by itself.

import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes each request on as it came: what no relay on node:http can surpass. It answers when the request has come, as the others do. */
export function proxy(url: string): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return httpIntake((body) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => response.resume());
    sent.end(body);
  });
}

/** A server on loopback that answers 200 to each request when it has come. Resolves with its origin. */
export async function httpIntake(take: (body: Buffer) => void): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, async (incoming, response) => {
    take(await bodyOf(incoming));
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => incoming.on('end', () => resolve(Buffer.concat(chunks))));
}
