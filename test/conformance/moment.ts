import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** How often something may come and go before it is said not to come. */
const ROUND_TRIPS = 3;

/**
 * Resolves after some connections to a listener of its own have been made and closed: whatever else was on its way over loopback before has had its turns.
 * It shows that something has not happened, without a clock. On a slow machine it notices less, and never too much.
 */
export async function moment(): Promise<void> {
  const server = createServer((socket) => socket.end('.'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const socket = connect(port, '127.0.0.1').resume();
    await once(socket, 'close');
  }
  server.close();
}
