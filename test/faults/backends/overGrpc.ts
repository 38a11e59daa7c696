import type { Socket } from 'node:net';
import { GRPC_HEAD, type Http2Request, http2Server, succeed } from '../../support/http2Server.ts';
import type { Fault } from '../row.ts';

/** What a sick backend of OTLP/gRPC does. Whatever is left out, it does not do: it does not answer, for example. */
export interface GrpcTreatment {
  /** Whether it keeps the requests that it gets whole. Default `false`. */
  readonly keeps?: boolean;
  readonly connected?: (socket: Socket) => void;
  /** The head of a request is there. */
  readonly headed?: (request: Http2Request) => void;
  /** A request is there. */
  readonly whole?: (request: Http2Request) => void;
}

/** Of a message of gRPC: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

export function messageIn({ body }: Http2Request): Buffer {
  return body.subarray(PREFIX_BYTES);
}

export function overGrpc({ keeps = false, connected, headed, whole }: GrpcTreatment): Fault {
  return async (store) => {
    let isWell = false;
    const server = await http2Server({
      connected: (socket) => {
        if (!isWell) connected?.(socket);
      },
      begun: (request) => {
        store.requests += 1;
        if (!isWell) headed?.(request);
      },
      whole: (request) => {
        if (isWell || keeps) store.keep(messageIn(request));
        if (isWell) succeed(request);
        else whole?.(request);
      },
    });
    const heal = () => {
      isWell = true;
    };
    return { url: server.url, heal };
  };
}

/** It answers with this status, and keeps nothing. @param details a `google.rpc.Status` */
export function says(code: number, details?: Buffer): Fault {
  return overGrpc({
    whole: ({ stream }) => {
      const status = { 'grpc-status': String(code), 'grpc-message': 'as told' };
      const more = details === undefined ? {} : { 'grpc-status-details-bin': details.toString('base64') };
      stream.respond({ ...GRPC_HEAD, ...status, ...more }, { endStream: true });
    },
  });
}
