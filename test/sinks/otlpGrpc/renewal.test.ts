import { Metadata } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Channel } from '../../../src/sinks/otlpGrpc/connection/channel.ts';
import { Channels, type ChannelUse } from '../../../src/sinks/otlpGrpc/connection/channels.ts';
import { otlpGrpcSettings } from '../../../src/sinks/otlpGrpc/settings.ts';
import { type GrpcBackend, grpcBackend } from '../../support/grpcBackend.ts';

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

let nowMillis = 0;
let backend: GrpcBackend;

beforeEach(async () => {
  nowMillis = 0;
  backend = await grpcBackend();
});

function openChannels(): Channels {
  const settings = otlpGrpcSettings({ url: backend.url, environment: {}, maxConnectionAgeMillis: 1_000 });
  const channels = new Channels(settings, { random: () => 0, now: () => nowMillis });
  onTestFinished(() => channels.close());
  return channels;
}

/** A channel on which a call was answered, and that is still in use. */
async function connected(channels: Channels): Promise<Channel> {
  const channel = await channels.take();
  await new Promise<void>((resolve) => {
    const request = { method: METHOD, message: Buffer.alloc(0), metadata: new Metadata() };
    channel.call(
      { ...request, deadlineMillis: Number.POSITIVE_INFINITY },
      { sending: () => {}, headed: () => {}, ended: () => resolve() },
    );
  });
  return channel;
}

/** Whether the channel is kept after a call on it has come to this. */
async function isKept(channels: Channels, channel: Channel, use: ChannelUse, sinceMillis: number): Promise<boolean> {
  channels.giveBack(channel, use, sinceMillis);
  return (await channels.take()) === channel;
}

describe('a channel', () => {
  it.each<[ChannelUse, boolean]>([
    ['answered', true],
    ['unused', true],
    ['refused', false],
    ['unanswered', false],
  ])('on which a call was %s is kept: %s', async (use, kept) => {
    const channels = openChannels();
    expect(await isKept(channels, await connected(channels), use, 0)).toBe(kept);
  });

  it('is kept when a call was not answered while another one was', async () => {
    const channels = openChannels();
    const channel = await connected(channels);
    expect(await channels.take()).toBe(channel);
    nowMillis = 50;
    channels.giveBack(channel, 'answered', 40);
    expect(await isKept(channels, channel, 'unanswered', 10)).toBe(true);
    nowMillis = 100;
    expect(await isKept(channels, channel, 'unanswered', 60)).toBe(false);
  });

  it('is replaced at its age, and closed when its last call has ended', async () => {
    const channels = openChannels();
    const old = await connected(channels);
    nowMillis = 999;
    expect(await channels.take()).toBe(old);
    channels.giveBack(old, 'answered', 999);
    nowMillis = 1_000;
    const fresh = await connected(channels);
    expect(fresh).not.toBe(old);
    expect(backend.openConnections).toBe(2);
    channels.giveBack(old, 'answered', 1_000);
    await backend.until(({ openConnections }) => openConnections === 1);
    expect(await isKept(channels, fresh, 'answered', 1_000)).toBe(true);
  });

  it('that has not connected is not kept when nobody waits for it', async () => {
    const channels = openChannels();
    const [one, other] = [await channels.take(), await channels.take()];
    expect(one).toBe(other);
    expect(await isKept(channels, one, 'unused', 0)).toBe(true);
    channels.giveBack(one, 'unused', 0);
    expect(await isKept(channels, one, 'unused', 0)).toBe(false);
  });

  it('is not replaced after each refusal: after 20 futile ones, once per second', async () => {
    const channels = openChannels();
    let replaced = 0;
    for (let round = 0; round < 30; round++) {
      const channel = await connected(channels);
      if (!(await isKept(channels, channel, 'refused', 0))) replaced += 1;
    }
    expect(replaced).toBe(20);
  });

  it('is asked for in vain after the end', async () => {
    const channels = openChannels();
    channels.close();
    await expect(channels.take()).rejects.toThrow('its connections were closed');
  });
});
