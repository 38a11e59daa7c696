import type { Socket } from 'node:net';
import { http2Server, succeed } from '../../support/http2Server.ts';
import type { Identity } from '../../support/httpCertificates.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import type { Fault, Protocol } from '../row.ts';
import type { Store } from '../store.ts';
import { messageIn } from './overGrpc.ts';
import { OK } from './overHttp.ts';

/** The type of its first record. */
const TLS_HANDSHAKE = 0x16;

export interface WellServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A backend that keeps everything and says so. */
export function startWell(
  protocol: Protocol,
  store: Store,
  options: { readonly port?: number; readonly identity?: Identity } = {},
): Promise<WellServer> {
  const begun = () => {
    store.requests += 1;
  };
  if (protocol === 'http') {
    const answer = ({ socket, body }: { socket: NodeJS.WritableStream; body: Buffer }) => {
      store.keep(body);
      socket.write(OK);
    };
    return rawServer(answer, { connected: refuseTls, headed: begun, ...options });
  }
  const whole = (request: Parameters<typeof succeed>[0]) => {
    store.keep(messageIn(request));
    succeed(request);
  };
  return http2Server({ begun, whole }, options);
}

/** As any server of HTTP answers to what is none: here, the begin of a TLS handshake. */
function refuseTls(socket: Socket): void {
  socket.once('data', ([first]: Buffer) => {
    if (first === TLS_HANDSHAKE) socket.end(rawAnswer(400, { 'content-length': 0 }, ''));
  });
}

/** Nothing is wrong with it. */
export function well(protocol: Protocol): Fault {
  return async (store) => ({ url: urlOf(await startWell(protocol, store)) });
}

/** Nobody listens, until it is mended. */
export function absent(protocol: Protocol): Fault {
  return async (store) => {
    const first = await startWell(protocol, store);
    await first.close();
    return { url: urlOf(first), heal: async () => void (await startWell(protocol, store, { port: first.port })) };
  };
}

/** It is restarted every second, which breaks its connections, until it is mended. */
export function restarted(protocol: Protocol, onEnd: (end: () => void) => void): Fault {
  return async (store) => {
    let server = await startWell(protocol, store);
    const { port } = server;
    let last = Promise.resolve();
    const restart = async () => {
      await server.close();
      server = await startWell(protocol, store, { port });
    };
    const timer = setInterval(() => {
      last = last.then(restart);
    }, 1_000);
    const heal = async () => {
      clearInterval(timer);
      await last;
    };
    onEnd(() => clearInterval(timer));
    return { url: urlOf(server), heal };
  };
}

function urlOf({ port }: WellServer): string {
  return `http://127.0.0.1:${port}`;
}
