import type { Socket } from 'node:net';
import type { Client } from 'undici';
import type { Undici } from './undici.ts';

const ENDED = 'the connection has ended';

/** An HTTP client on one existing connection, for one request at a time. */
export function clientOn(undici: Undici, origin: string, socket: Socket): Client {
  let isTaken = false;
  return new undici.Client(origin, {
    allowH2: false,
    pipelining: 1,
    // The subscriber keeps the deadline of an attempt, which may be longer than any fixed limit.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_, callback) => {
      // The client asks again when the connection has ended: the request then needs another connection. It expects a later answer; after some errors it would otherwise ask again without end.
      const isLost = isTaken || socket.destroyed;
      isTaken = true;
      queueMicrotask(() =>
        isLost ? callback(new Error(ENDED, { cause: socket.errored }), null) : callback(null, socket),
      );
    },
  });
}
