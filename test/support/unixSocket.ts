// A Unix socket in front of a fake backend.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface UnixSocket {
  readonly path: string;
  /** How many connections there were. */
  readonly connections: number;
  /** How many of them are open. */
  readonly open: number;
}

/** A path that ends with the test, and on which nothing listens. */
export function unusedSocketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-socket-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'collector.sock');
}

/** Listens on a Unix socket until the test ends, and hands all bytes on to a port of loopback. */
export async function unixSocketTo(port: number, path = unusedSocketPath()): Promise<UnixSocket> {
  const sockets = new Set<Socket>();
  const state = { path, connections: 0, open: 0 };
  const server = createServer((socket) => {
    state.connections += 1;
    state.open += 1;
    const onward = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
    socket.on('close', () => {
      state.open -= 1;
    });
  });
  await listening(server, path);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return state;
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
