import type { AddressInfo, Server } from 'node:net';
import { cannotListen } from '../../internal/cannotListen.ts';
import { OWNER } from './options.ts';

/** Where a server listens. */
export interface Listening {
  /** The address. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** Both, with the scheme, for a sender: `http://127.0.0.1:4318`. */
  readonly url: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly tls?: object | undefined;
}

/** Has a server listen. It keeps the process alive, as servers do. */
export function listening(server: Server, { host, port, tls }: Place, protocol: 'http' | 'grpc'): Promise<Listening> {
  return new Promise((resolve, reject) => {
    // For the whole life of the server: a connection that cannot be accepted later must not end the program.
    const what = `${OWNER} cannot listen on ${host} for ${protocol}`;
    const freePort = 'port: 0 for any that is free (address tells which)';
    server.on('error', (cause) => reject(cannotListen(what, { cause, host, port }, freePort)));
    server.listen({ host, port }, () => {
      const { address, port: taken } = server.address() as AddressInfo;
      const name = address.includes(':') ? `[${address}]` : address;
      resolve({ host: address, port: taken, url: `${tls === undefined ? 'http' : 'https'}://${name}:${taken}` });
    });
  });
}
