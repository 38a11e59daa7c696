// A running receiver, and one request to it in any of the ways that OTLP has.

import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Client } from '@grpc/grpc-js';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Pool } from 'undici';
import { otlpReceiver } from '../../src/inputs/otlpReceiver/index.ts';
import type { SignalName } from '../../src/model/signal.ts';
import { SIGNALS } from '../../src/otlp/signals.ts';
import { bareClient, call } from '../support/grpcCalls.ts';
import type { Format } from './corpus.ts';
import type { Coding, Ending } from './verdict.ts';

const KIB = 1024;

/** Small, so that mutations reach them. */
export const LIMITS = { maxRequestBytes: 24 * KIB, decode: { maxItems: 300, maxDecodedBytes: 192 * KIB } };

/** A request has to be answered within this long. */
const ANSWER_MILLIS = 30_000;

/** One request: what is sent, and how. */
export interface Shot {
  readonly signal: SignalName;
  readonly format: Format;
  readonly over: 'http' | 'grpc';
  readonly bytes: Uint8Array;
  readonly coding?: Coding | undefined;
}

/** What became of it. */
export interface Answer {
  /** Of HTTP, or the code of gRPC. */
  readonly status: number;
  /** `undefined` where the status is none that is documented for a body. */
  readonly ending: Ending | undefined;
  /** That came out of the receiver. */
  readonly items: number;
  /** When their properties were read. Nothing must be. */
  readonly thrown: readonly string[];
}

/** What a body can lead to, by what is documented. */
const ENDINGS: Readonly<Record<Shot['over'], Readonly<Record<number, Ending>>>> = {
  http: { 200: 'accepted', 400: 'malformed', 413: 'tooLarge' },
  grpc: { 0: 'accepted', 3: 'malformed', 8: 'tooLarge' },
};

export class Target {
  readonly #receiver = otlpReceiver({ http: { port: 0 }, grpc: { port: 0 }, ...LIMITS });
  readonly #thrown: string[] = []; // when items were read
  #http: Pool | undefined;
  #grpc: Client | undefined;
  #items = 0;

  async open(): Promise<void> {
    const count = ({ items }: { readonly items: readonly object[] }) => {
      this.#items += items.length;
      try {
        for (const item of items) readAll(item);
      } catch (thrown) {
        this.#thrown.push(String(thrown));
      }
    };
    this.#receiver.traces$.subscribe(count);
    this.#receiver.logs$.subscribe(count);
    this.#receiver.metrics$.subscribe(count);
    const { http, grpc } = await this.#receiver.listen();
    this.#http = new Pool(http?.url ?? '', {
      connections: 4,
      headersTimeout: ANSWER_MILLIS,
      bodyTimeout: ANSWER_MILLIS,
    });
    this.#grpc = bareClient(grpc?.port ?? 0);
  }

  /** One at a time: the items are counted. It rejects where no answer comes. */
  async send(shot: Shot): Promise<Answer> {
    const before = this.#items;
    const status = await (shot.over === 'http' ? this.#post(shot) : this.#call(shot));
    const thrown = this.#thrown.splice(0);
    return { status, ending: ENDINGS[shot.over][status], items: this.#items - before, thrown };
  }

  async close(): Promise<void> {
    this.#grpc?.close();
    await this.#http?.close();
    await this.#receiver.shutdown();
  }

  /** What must be given back after each request. */
  get held(): object {
    const { bytesInFlight, openRequests, signals } = this.#receiver.stats();
    const pending = Object.values(signals).map(({ pendingItems }) => pendingItems);
    return { bytesInFlight, openRequests, pending };
  }

  async #post({ signal, format, bytes, coding }: Shot): Promise<number> {
    const type = format === 'json' ? 'application/json' : 'application/x-protobuf';
    const headers = { 'content-type': type, ...(coding && { 'content-encoding': coding }) };
    const path = SIGNALS[signal].path;
    const answer = await this.#http?.request({ path, method: 'POST', headers, body: bytes });
    await answer?.body.dump();
    return answer?.statusCode ?? 0;
  }

  async #call({ signal, bytes }: Shot): Promise<number> {
    const { method } = SIGNALS[signal];
    const { code } = await call(this.#grpc as Client, bytes, { method, deadline: Date.now() + ANSWER_MILLIS });
    return code;
  }
}

/** Reads every property of an item, also those that are read from the bytes of the request when they are asked for. */
function readAll(item: object): void {
  for (let from = item; from !== Object.prototype; from = Object.getPrototypeOf(from))
    for (const name of Object.getOwnPropertyNames(from)) void Reflect.get(item, name);
  const { spanContext } = item as Partial<ReadableSpan>;
  if (typeof spanContext === 'function') spanContext.call(item);
}

/** Sound, before it is mutated. */
export function packed(bytes: Uint8Array, coding: Coding): Uint8Array {
  return coding === 'zstd' ? zstdCompressSync(bytes) : gzipSync(bytes);
}
