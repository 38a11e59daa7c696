import type { Socket } from 'node:net';
import type { Client } from 'undici';
import type { Undici } from './undici.ts';

const ENDED = 'the connection has ended';

/** An HTTP client on one connection that is there already, for one request at a time. */
export function clientOn(undici: Undici, origin: string, socket: Socket): Client {
  let isTaken = false;
  return new undici.Client(origin, {
    allowH2: false,
    pipelining: 1,
    // The deadline of an attempt belongs to its subscriber, and may be longer than any that is fixed here.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_, callback) => {
      // It asks again when the connection has ended: then the request is for another one. It does not expect to be answered at once, and after some errors of its own it would ask again for ever.
      const isLost = isTaken || socket.destroyed;
      isTaken = true;
      queueMicrotask(() =>
        isLost ? callback(new Error(ENDED, { cause: socket.errored }), null) : callback(null, socket),
      );
    },
  });
}
