import type { AddressInfo, Server } from 'node:net';
import { SpanflowError } from '../../model/errors.ts';
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
    server.on('error', (error) => reject(cannotListen(error, host, port, protocol)));
    server.listen({ host, port }, () => {
      const { address, port: taken } = server.address() as AddressInfo;
      const name = address.includes(':') ? `[${address}]` : address;
      resolve({ host: address, port: taken, url: `${tls === undefined ? 'http' : 'https'}://${name}:${taken}` });
    });
  });
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number, protocol: string): SpanflowError {
  const said: Partial<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use: choose another one, or port: 0 for any that is free (address tells which)`,
    EACCES: `this user may not listen on port ${port}: choose one from 1024`,
    EADDRNOTAVAIL: `${host} is no address of this machine: leave host out for 127.0.0.1`,
  };
  const message = `${OWNER} cannot listen on ${host} for ${protocol}: ${said[cause.code ?? ''] ?? cause.message}`;
  return new SpanflowError('CANNOT_LISTEN', message, { cause });
}
