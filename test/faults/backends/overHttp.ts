import type { Socket } from 'node:net';
import { type RawRequest, rawAnswer, rawServer } from '../../support/httpServer.ts';
import type { Fault } from '../row.ts';

/** What a sick backend of OTLP/HTTP does. Whatever is left out, it does not do: it does not answer, for example. */
export interface HttpTreatment {
  /** Whether it keeps the requests that it gets whole. Default `false`. */
  readonly keeps?: boolean;
  readonly connected?: (socket: Socket) => void;
  /** The head of a request is there. */
  readonly headed?: (socket: Socket) => void;
  /** A request is there. */
  readonly whole?: (request: RawRequest) => void;
}

export const OK: string = rawAnswer(200, { 'content-length': 0 }, '');

export function overHttp({ keeps = false, connected, headed, whole }: HttpTreatment): Fault {
  return async (store) => {
    let isWell = false;
    const answer = (request: RawRequest) => {
      if (isWell || keeps) store.keep(request.body);
      if (isWell) request.socket.write(OK);
      else whole?.(request);
    };
    const server = await rawServer(answer, {
      connected: (socket) => {
        if (!isWell) connected?.(socket);
      },
      headed: (socket) => {
        store.requests += 1;
        if (!isWell) headed?.(socket);
      },
    });
    const heal = () => {
      isWell = true;
    };
    return { url: `http://127.0.0.1:${server.port}`, heal };
  };
}

/** It answers so, and keeps nothing. */
export function answers(status: number, headers: Readonly<Record<string, string>> = {}): Fault {
  return overHttp({ whole: ({ socket }) => socket.write(rawAnswer(status, { 'content-length': 0, ...headers }, '')) });
}
