import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ChannelSockets } from '../../../src/sinks/otlpGrpc/connection/channelSockets.ts';
import { rawServer } from '../../support/httpServer.ts';

describe('the sockets of a channel', () => {
  it('end with it: those that there are, those to come, and no others', async () => {
    const { port } = await rawServer(() => {});
    const sockets = new ChannelSockets();
    const others = new ChannelSockets();
    const strangers = [connect(port), others.within(() => connect(port))];
    onTestFinished(() => {
      for (const socket of strangers) socket.destroy();
    });
    const own = sockets.within(() => connect(port));
    await once(own, 'connect');
    sockets.end();
    expect(own.destroyed).toBe(true);
    // Also what begins later, in a turn of its own, because of something that was begun within.
    const late = await sockets.within(
      () => new Promise<unknown>((resolve) => setImmediate(() => resolve(connect(port)))),
    );
    await once(late as never, 'close');
    expect(strangers.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });
});
