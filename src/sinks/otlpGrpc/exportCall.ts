import type { ServiceError } from '@grpc/grpc-js';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import type { Attempt, AttemptPhase, ExportError, Response } from '../../model/sink.ts';
import type { MetadataRequest } from '../shared/configuration/headers.ts';
import { orAborted } from '../shared/orAborted.ts';
import { failureOfCall, responseOf } from './answer.ts';
import type { Channel } from './connection/channel.ts';
import type { Channels, ChannelUse } from './connection/channels.ts';
import { type Message, type MessageContext, prepare } from './message.ts';

/** What all attempts of a sink share. */
export interface CallContext<Item> extends MessageContext<Item> {
  readonly channels: Channels;
}

/** Whoever keeps the deadline of an attempt aborts it. Only if that fails, gRPC ends the call, this much later. */
const DEADLINE_SLACK_MILLIS = 100;

/** `status.UNAUTHENTICATED` of gRPC. */
const UNAUTHENTICATED = 16;

/** From this part of its time on, an aborted attempt has timed out: clocks differ a little. */
const TIMED_OUT_RATIO = 0.9;

/** One attempt to export a batch, from its items to the meaning of the answer: one call, and another one if the backend refuses it for metadata that can be others. */
export class ExportCall<Item> {
  readonly #items: readonly Item[];
  readonly #context: CallContext<Item>;
  readonly #attempt: Attempt;
  readonly #signal: AbortSignal;
  readonly #sinceMillis = monotonicScheduler.now();
  #phase: AttemptPhase = 'preparing';
  #use: ChannelUse = 'unused';
  #status: number | undefined; // of the last call, if it was answered
  #refused: MetadataRequest['refused']; // the metadata that functions gave

  constructor(items: readonly Item[], context: CallContext<Item>, attempt: Attempt, signal: AbortSignal) {
    this.#items = items;
    this.#context = context;
    this.#attempt = attempt;
    this.#signal = signal;
  }

  async run(): Promise<Response> {
    for (;;) {
      try {
        return await this.#once();
      } catch (error) {
        if (!this.#canMend()) throw error;
        this.#attempt.repeat?.();
      }
    }
  }

  async #once(): Promise<Response> {
    this.#enter('preparing');
    const message = await prepare(this.#items, this.#context, this.#signal);
    try {
      if (message.unencodable === this.#items.length) return { unencodable: message.unencodable };
      const { headers: source } = this.#context.settings;
      const headers = await orAborted(source.current({ refused: this.#refused }), this.#signal);
      const response = await this.#send(message, headers);
      return message.unencodable === 0 ? response : { ...response, unencodable: message.unencodable };
    } finally {
      message.end();
    }
  }

  /** Whether another call may be answered otherwise: with new metadata. */
  #canMend(): boolean {
    const isRefused = this.#status === UNAUTHENTICATED;
    this.#status = undefined;
    if (!isRefused || this.#refused !== undefined || !this.#context.settings.headers.isAsked) return false;
    this.#refused = 'UNAUTHENTICATED';
    return true;
  }

  async #send(message: Message, headers: Readonly<Record<string, string>>): Promise<Response> {
    const { channels } = this.#context;
    this.#enter('connecting');
    const unneeded = (late: Channel) => channels.giveBack(late, 'unused', this.#sinceMillis);
    const channel = await orAborted(channels.take(), this.#signal, unneeded);
    const madeAtMillis = monotonicScheduler.now();
    try {
      return await this.#call(channel, bufferOf(message.bytes), headers);
    } finally {
      channels.giveBack(channel, this.#isTimedOut ? 'unanswered' : this.#use, madeAtMillis);
    }
  }

  #call(channel: Channel, message: Buffer, headers: Readonly<Record<string, string>>): Promise<Response> {
    const { settings, channels } = this.#context;
    const metadata = new channels.grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const request = { method: settings.signal.method, message, metadata, deadlineMillis: this.#deadlineMillis };
    return new Promise((resolve, reject) => {
      const cancel = channel.call(request, {
        sending: () => this.#enter('sending'),
        headed: () => this.#enter('reading'),
        ended: (status, answer) => {
          this.#signal.removeEventListener('abort', abort);
          this.#status = status?.code;
          this.#attempt.status?.(status === null ? 'OK' : (channels.grpc.status[status.code] ?? String(status.code)));
          if (status === null) resolve(this.#answered(answer));
          else reject(this.#failed(status));
        },
      });
      const abort = () => {
        cancel();
        reject(this.#signal.reason);
      };
      this.#signal.addEventListener('abort', abort);
    });
  }

  #answered(answer: Buffer | undefined): Response {
    this.#use = 'answered';
    return responseOf(answer ?? Buffer.alloc(0));
  }

  #failed(status: ServiceError): ExportError {
    const { error, use } = failureOfCall(status, this.#phase, this.#context.settings);
    this.#use = use;
    return error;
  }

  get #timeoutMillis(): number {
    return this.#attempt.timeoutMillis ?? this.#context.settings.timeoutMillis;
  }

  get #deadlineMillis(): number {
    const leftMillis = this.#timeoutMillis - (monotonicScheduler.now() - this.#sinceMillis);
    return Date.now() + leftMillis + DEADLINE_SLACK_MILLIS;
  }

  /** Whoever aborts an attempt long before its time is up says nothing about the backend. */
  get #isTimedOut(): boolean {
    const tookMillis = monotonicScheduler.now() - this.#sinceMillis;
    return this.#signal.aborted && tookMillis >= TIMED_OUT_RATIO * this.#timeoutMillis;
  }

  #enter(phase: AttemptPhase): void {
    this.#phase = phase;
    this.#attempt.enter(phase, this.#context.settings.endpoint.shown);
  }
}

/** The same bytes, as gRPC wants them. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
