import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Begin } from '../../../src/sinks/otlpHttp/connector.ts';
import { Dialler } from '../../../src/sinks/otlpHttp/dialler.ts';

const TIMERS = ['setTimeout', 'clearTimeout'] as const;
beforeEach(() => void vi.useFakeTimers({ toFake: [...TIMERS] }));
afterEach(() => void vi.useRealTimers());

/** A host that answers as it is told, and what becomes of the connections to it. */
function host(isSecure = false) {
  const dials: { socket: Socket; done: Parameters<Begin>[0] }[] = [];
  const told: string[] = [];
  const begin: Begin = (done) => {
    const socket = new Socket();
    dials.push({ socket, done });
    return socket;
  };
  const target = { hostname: '192.0.2.1', isSecure };
  const dialler = new Dialler(async () => begin, target, {
    entered: (phase) => told.push(phase),
    connected: () => told.push('connected'),
    failed: () => told.push('failed'),
  });
  const open = () => dials.filter(({ socket }) => !socket.destroyed).length;
  const connect = (index: number) => dials[index]?.done(null, dials[index].socket);
  return { dialler, dials, told, open, connect };
}

const pass = (millis: number) => vi.advanceTimersByTimeAsync(millis);

describe('a host that has not answered yet', () => {
  it('is dialled by one connection, and by all that are wanted once that has come about', async () => {
    const { dialler, dials, told, connect } = host();
    dialler.want(8);
    await pass(0);
    expect(dials).toHaveLength(1);
    connect(0);
    dialler.want(7);
    await pass(0);
    expect([dials.length, told]).toEqual([8, ['connected']]);
    dialler.close();
  });

  it('is dialled by one again after a failure', async () => {
    const { dialler, dials, told, connect } = host();
    dialler.want(1);
    await pass(0);
    connect(0);
    dialler.want(0);
    dialler.want(1);
    await pass(0);
    dials[1]?.done(new Error('refused'), null);
    dialler.want(8);
    await pass(0);
    expect([dials.length, told]).toEqual([3, ['connected', 'failed']]);
    dialler.close();
  });
});

describe('a host that does not answer', () => {
  it('has one socket at a time, each for two seconds at most, with gaps that grow to a second', async () => {
    const { dialler, dials, open } = host();
    dialler.want(8);
    for (const [index, gapMillis] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
      await pass(0);
      expect([dials.length, open()]).toEqual([index + 1, 1]);
      await pass(1_999);
      expect(open()).toBe(1);
      await pass(1);
      expect(open()).toBe(0);
      await pass(gapMillis - 1);
      expect(open()).toBe(0);
      await pass(1);
    }
    dialler.close();
    expect(open()).toBe(0);
  });

  it('has none when nobody waits any more, and none within the gap', async () => {
    const { dialler, dials, open } = host();
    for (let attempt = 1; attempt <= 20; attempt++) {
      dialler.want(1);
      await pass(500);
      expect(open()).toBeLessThanOrEqual(1);
      dialler.giveUp(0);
      expect(open()).toBe(0);
    }
    expect(dials.length).toBeLessThan(20);
    await pass(60_000);
    expect([open(), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('has none after the end, and tells nothing more', async () => {
    const { dialler, dials, told, open } = host();
    dialler.want(3);
    await pass(0);
    dialler.close();
    dials[0]?.done(new Error('late'), null);
    await pass(60_000);
    expect([open(), told, vi.getTimerCount()]).toEqual([0, [], 0]);
  });

  it('is dialled without a gap once it has answered again', async () => {
    const { dialler, dials, connect } = host();
    dialler.want(1);
    await pass(2_100);
    connect(1);
    dialler.want(2);
    await pass(0);
    expect(dials).toHaveLength(4);
    dialler.close();
  });
});

describe('a TLS handshake without an answer', () => {
  it('ends after thirty seconds, or when nobody waits for it', async () => {
    const { dialler, dials, told, open } = host(true);
    dialler.want(2);
    await pass(0);
    dials[0]?.socket.emit('connect');
    expect(told).toEqual(['securing']);
    await pass(29_999);
    expect(open()).toBe(1);
    dialler.giveUp(1);
    expect(open()).toBe(1);
    await pass(1);
    expect(open()).toBe(0);
    await pass(100);
    dials[1]?.socket.emit('connect');
    dialler.giveUp(0);
    expect(open()).toBe(0);
    dialler.close();
  });
});
