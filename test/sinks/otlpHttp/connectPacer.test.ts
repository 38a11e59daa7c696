import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectPacer } from '../../../src/sinks/otlpHttp/connection/connectPacer.ts';
import type { OpenSocket } from '../../../src/sinks/otlpHttp/connection/socketOpener.ts';

const TIMERS = ['setTimeout', 'clearTimeout'] as const;
beforeEach(() => void vi.useFakeTimers({ toFake: [...TIMERS] }));
afterEach(() => void vi.useRealTimers());

/** A host that answers as it is told, and what becomes of the connections to it. */
function host(isSecure = false) {
  const attempts: { socket: Socket; done: Parameters<OpenSocket>[0] }[] = [];
  const told: string[] = [];
  const begin: OpenSocket = (done) => {
    const socket = new Socket();
    attempts.push({ socket, done });
    return socket;
  };
  const target = { hostname: '192.0.2.1', isSecure };
  const pacer = new ConnectPacer(async () => begin, target, {
    entered: (phase) => told.push(phase),
    connected: () => told.push('connected'),
    failed: () => told.push('failed'),
  });
  const open = () => attempts.filter(({ socket }) => !socket.destroyed).length;
  const connect = (index: number) => attempts[index]?.done(null, attempts[index].socket);
  return { pacer, attempts, told, open, connect };
}

const pass = (millis: number) => vi.advanceTimersByTimeAsync(millis);

describe('a host that has not answered yet', () => {
  it('gets one attempt to connect, and as many as are wanted once it has accepted a connection', async () => {
    const { pacer, attempts, told, connect } = host();
    pacer.want(8);
    await pass(0);
    expect(attempts).toHaveLength(1);
    connect(0);
    pacer.want(7);
    await pass(0);
    expect([attempts.length, told]).toEqual([8, ['connected']]);
    pacer.close();
  });

  it('gets one attempt at a time again after a failure', async () => {
    const { pacer, attempts, told, connect } = host();
    pacer.want(1);
    await pass(0);
    connect(0);
    pacer.want(0);
    pacer.want(1);
    await pass(0);
    attempts[1]?.done(new Error('refused'), null);
    pacer.want(8);
    await pass(0);
    expect([attempts.length, told]).toEqual([3, ['connected', 'failed']]);
    pacer.close();
  });
});

describe('a host that does not answer', () => {
  it('has one socket at a time, each for two seconds at most, with gaps that grow to a second', async () => {
    const { pacer, attempts, open } = host();
    pacer.want(8);
    for (const [index, gapMillis] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
      await pass(0);
      expect([attempts.length, open()]).toEqual([index + 1, 1]);
      await pass(1_999);
      expect(open()).toBe(1);
      await pass(1);
      expect(open()).toBe(0);
      await pass(gapMillis - 1);
      expect(open()).toBe(0);
      await pass(1);
    }
    pacer.close();
    expect(open()).toBe(0);
  });

  it('has no socket when no request waits, and none within the gap', async () => {
    const { pacer, attempts, open } = host();
    for (let attempt = 1; attempt <= 20; attempt++) {
      pacer.want(1);
      await pass(500);
      expect(open()).toBeLessThanOrEqual(1);
      pacer.giveUp(0);
      expect(open()).toBe(0);
    }
    expect(attempts.length).toBeLessThan(20);
    await pass(60_000);
    expect([open(), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('has no socket after close, and no event follows', async () => {
    const { pacer, attempts, told, open } = host();
    pacer.want(3);
    await pass(0);
    pacer.close();
    attempts[0]?.done(new Error('late'), null);
    await pass(60_000);
    expect([open(), told, vi.getTimerCount()]).toEqual([0, [], 0]);
  });

  it('gets attempts without a gap once it has answered again', async () => {
    const { pacer, attempts, connect } = host();
    pacer.want(1);
    await pass(2_100);
    connect(1);
    pacer.want(2);
    await pass(0);
    expect(attempts).toHaveLength(4);
    pacer.close();
  });
});

describe('a TLS handshake without an answer', () => {
  it('ends after thirty seconds, or when no request waits for it', async () => {
    const { pacer, attempts, told, open } = host(true);
    pacer.want(2);
    await pass(0);
    attempts[0]?.socket.emit('connect');
    expect(told).toEqual(['securing']);
    await pass(29_999);
    expect(open()).toBe(1);
    pacer.giveUp(1);
    expect(open()).toBe(1);
    await pass(1);
    expect(open()).toBe(0);
    await pass(100);
    attempts[1]?.socket.emit('connect');
    pacer.giveUp(0);
    expect(open()).toBe(0);
    pacer.close();
  });
});
