import { ConnectionRenewal } from '../../../strategies/connectionRenewal.ts';
import type { ChannelSettings } from '../settings.ts';
import { Channel } from './channel.ts';
import { ChannelSockets } from './channelSockets.ts';
import { type GrpcJs, loadGrpcJs, loadGrpcJsWhenIdle } from './grpcJs.ts';
import { openClient } from './openClient.ts';

/**
 * What a call came to. `answered`: by a status of the backend that does not say to try again · `refused`: by one that does · `unanswered`: none came in its time, or the connection broke ·
 * `unused`: it was cancelled, or not made.
 */
export type ChannelUse = 'answered' | 'refused' | 'unanswered' | 'unused';

export interface Clocks {
  /** Numbers from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** A monotonic clock. */
  readonly now: () => number;
}

/**
 * The connection to one backend, which several sinks may share: one channel at a time for new calls, besides older ones on which calls are still in flight.
 *
 * Why a new channel instead of one that gRPC reconnects? It resolves the name and reads the certificates anew, it can meet another backend behind a balancer, and it does not wait: `@grpc/grpc-js` waits for
 * up to two minutes before it tries to connect again.
 */
export class Channels {
  readonly #settings: ChannelSettings;
  readonly #renewal: ConnectionRenewal;
  readonly #now: () => number;
  readonly #open = new Set<Channel>();
  #current: Promise<Channel> | undefined;
  #newest: Channel | undefined; // what `#current` resolves with
  #isClosed = false;

  /** @throws SpanflowError `MISSING_PACKAGE` */
  constructor(settings: ChannelSettings, { random, now }: Clocks) {
    loadGrpcJsWhenIdle();
    this.#settings = settings;
    this.#renewal = new ConnectionRenewal({ maxAgeMillis: settings.maxConnectionAgeMillis, random });
    this.#now = now;
  }

  get grpc(): GrpcJs {
    return loadGrpcJs();
  }

  /** Resolves with a channel for one call, which must be given back. It fails with what `tls` fails with. */
  async take(): Promise<Channel> {
    if (this.#isClosed) throw new Error('its connections were closed');
    if (this.#newest !== undefined && !this.#isFit(this.#newest)) this.#retire(this.#newest);
    this.#current ??= this.#make();
    const channel = await this.#current;
    // Whoever shared it may have given it up meanwhile.
    if (channel.isRetired) return this.take();
    channel.users += 1;
    return channel;
  }

  /** @param sinceMillis when the call was made */
  giveBack(channel: Channel, use: ChannelUse, sinceMillis: number): void {
    channel.users -= 1;
    const isOver = this.#isOver(channel, use, sinceMillis);
    if (use === 'answered' || use === 'refused') channel.answeredAtMillis = this.#now();
    // A channel that has not connected would go on trying by itself.
    const isUseless = channel.users === 0 && !(channel.isAlive && channel.hasConnected);
    if (isOver || isUseless || channel.isRetired) this.#retire(channel);
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of this.#open) channel.close();
    this.#open.clear();
  }

  async #make(): Promise<Channel> {
    try {
      const client = await openClient(this.#settings, this.grpc);
      const channel = new Channel(client, this.grpc, new ChannelSockets(), this.#now() + this.#renewal.nextAgeMillis());
      if (this.#isClosed) channel.close();
      else this.#open.add(channel);
      this.#newest = channel;
      return channel;
    } catch (error) {
      this.#current = undefined; // the next attempt tries again
      throw error;
    }
  }

  #isFit(channel: Channel): boolean {
    return !channel.isRetired && channel.isAlive && this.#now() < channel.endMillis;
  }

  /** Takes note of how a call ended. Slow answers to others are no sign of a dead connection, so only silence for all is. */
  #isOver(channel: Channel, use: ChannelUse, sinceMillis: number): boolean {
    if (use === 'answered') this.#renewal.answered();
    if (use === 'refused') return this.#renewal.refused(!channel.wasAnswered, this.#now());
    return use === 'unanswered' && channel.answeredAtMillis < sinceMillis;
  }

  /** Takes no new calls for it, and closes it when nobody uses it any more. */
  #retire(channel: Channel): void {
    channel.isRetired = true;
    if (this.#newest === channel) {
      this.#newest = undefined;
      this.#current = undefined;
    }
    if (channel.users === 0 && this.#open.delete(channel)) channel.close();
  }
}
