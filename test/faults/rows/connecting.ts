import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { blackholePort } from '../../support/blackhole.ts';
import { overGrpc } from '../backends/overGrpc.ts';
import { overHttp } from '../backends/overHttp.ts';
import { absent } from '../backends/well.ts';
import { type Fault, type Row, WAITS } from '../row.ts';

/** Of the first row, with which the process of the client begins. */
const FIRST_ROUNDS = 8;

/** Nothing reaches the backend: a client knows that nothing has arrived. */
export const CONNECTING: readonly Row[] = [
  {
    name: 'the connection is refused',
    ends: ['retriesExhausted'],
    client: { rounds: FIRST_ROUNDS },
    http: absent('http'),
    grpc: absent('grpc'),
  },
  {
    name: 'a listener never accepts',
    ends: ['retriesExhausted'],
    client: WAITS,
    http: at(blackholePort),
    grpc: at(blackholePort),
  },
  {
    name: 'the name cannot be resolved',
    ends: ['retriesExhausted'],
    http: async () => ({ url: 'http://nowhere.invalid:4318' }),
    grpc: async () => ({ url: 'http://nowhere.invalid:4317' }),
  },
  {
    name: 'a listener accepts, and does not even greet',
    ends: ['retriesExhausted'],
    client: WAITS,
    http: 'HTTP/1.1 has no greeting: the same as a request that is never answered',
    grpc: at(mutePort),
  },
  {
    name: 'the greeting is garbage',
    ends: ['retriesExhausted'],
    http: 'HTTP/1.1 has no greeting',
    grpc: overGrpc({ connected: (socket) => void socket.write('220 mail.example ESMTP\r\n') }),
  },
  {
    name: 'the connection is reset before the request',
    // Over HTTP/1.1 the client has sent its request by then, as far as it knows.
    ends: { http: ['unconfirmed', 'retriesExhausted'], grpc: ['retriesExhausted'] },
    http: overHttp({ connected: (socket) => void socket.resetAndDestroy() }),
    grpc: overGrpc({ connected: (socket) => void socket.resetAndDestroy() }),
  },
];

function at(portOf: () => Promise<number>): Fault {
  return async () => ({ url: `http://127.0.0.1:${await portOf()}` });
}

function mutePort(): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}
