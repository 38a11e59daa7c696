import { succeed } from '../../support/http2Server.ts';
import { overGrpc } from '../backends/overGrpc.ts';
import { OK, overHttp } from '../backends/overHttp.ts';
import { everySecond } from '../backends/slowly.ts';
import { type Row, WAITS } from '../row.ts';

/** A request is sent, and no answer comes: a client cannot know whether it has arrived. */
export const REQUESTS: readonly Row[] = [
  {
    name: 'the connection is reset during the request',
    ends: ['unconfirmed'],
    client: { spans: 4, characters: 200_000 },
    http: overHttp({ headed: (socket) => void socket.resetAndDestroy() }),
    grpc: overGrpc({ headed: ({ socket }) => void socket.resetAndDestroy() }),
  },
  {
    name: 'the connection is reset after the request',
    ends: ['unconfirmed'],
    http: overHttp({ keeps: true, whole: ({ socket }) => void socket.resetAndDestroy() }),
    grpc: overGrpc({ keeps: true, whole: ({ socket }) => void socket.resetAndDestroy() }),
  },
  {
    name: 'the connection is closed after the request',
    ends: ['unconfirmed'],
    http: overHttp({ keeps: true, whole: ({ socket }) => void socket.end() }),
    grpc: overGrpc({ keeps: true, whole: ({ socket }) => void socket.end() }),
  },
  {
    name: 'a request is never answered',
    ends: ['unconfirmed', 'retriesExhausted'],
    client: WAITS,
    http: overHttp({ keeps: true }),
    grpc: overGrpc({ keeps: true }),
  },
  {
    name: 'a request is read at one byte a second',
    ends: ['unconfirmed', 'retriesExhausted'],
    // More than the buffers of the sockets, and than the window of HTTP/2, hold.
    client: { attemptMillis: 1_000, attempts: 1, spans: 4, characters: 900_000, pipelines: 1 },
    http: overHttp({
      connected: (socket) => {
        socket.pause();
        everySecond(socket, () => void socket.read(1));
      },
    }),
    grpc: overGrpc({
      headed: ({ stream }) => {
        stream.pause();
        everySecond(stream, () => void stream.read(1));
      },
    }),
  },
  {
    name: 'the connection is reset behind each answer',
    ends: ['delivered', 'unconfirmed', 'retriesExhausted'],
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => void socket.write(OK, () => void setImmediate(() => socket.resetAndDestroy())),
    }),
    grpc: overGrpc({
      keeps: true,
      whole: (request) => {
        succeed(request);
        request.stream.on('close', () => void request.socket.resetAndDestroy());
      },
    }),
  },
];
