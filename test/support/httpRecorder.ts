// A server that keeps every byte of the bodies that it is sent, those that break off too, and treats each request as it is told.

import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { Watchers } from '../../src/testing/backend/conditions.ts';
import type { Identity } from './httpCertificates.ts';
import { rawAnswer } from './httpServer.ts';

/** Longer than any test: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;

/** `early`: it answers before it has read the body, and goes on reading. `never`: it reads, and does not answer. */
export type Treatment = 'atOnce' | 'slowly' | 'early' | 'reset' | 'busy' | 'never';

/** One request, from its head on. */
export interface Arrival {
  readonly length: number;
  readonly socket: Socket;
  readonly treatment: Treatment;
  body: Buffer;
}

export interface Recorder {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  readonly sockets: readonly Socket[];
  /** Resolves as soon as the condition holds; it is looked at whenever something arrives, begins or ends. */
  until(condition: (recorder: Recorder) => boolean): Promise<void>;
  /** Resolves when no connection is left: then nothing more arrives. */
  quiet(): Promise<void>;
}

export const OK = rawAnswer(200, { 'content-length': 0 }, '');
const BUSY = rawAnswer(503, { 'content-length': 0 }, '');

export function isWhole({ body, length }: Arrival): boolean {
  return body.length === length;
}

/** Starts one that ends with the test. `treat` is asked as soon as the head of a request is there. */
export async function recorder(treat: (index: number) => Treatment, identity?: Identity): Promise<Recorder> {
  const server = new RecordingServer(treat, identity);
  await server.listen();
  onTestFinished(() => server.close());
  return server;
}

class RecordingServer implements Recorder {
  readonly arrivals: Arrival[] = [];
  readonly sockets: Socket[] = [];
  readonly #open = new Set<Socket>();
  readonly #watchers = new Watchers();
  readonly #server: Server;
  readonly #scheme: string;
  readonly #treat: (index: number) => Treatment;

  constructor(treat: (index: number) => Treatment, identity: Identity | undefined) {
    this.#treat = treat;
    const accept = (socket: Socket) => this.#accept(socket);
    this.#scheme = identity === undefined ? 'http' : 'https';
    this.#server = identity === undefined ? createServer(accept) : createSecureServer({ ...identity }, accept);
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as { port: number }).port}/v1/traces`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  quiet(): Promise<void> {
    return this.until(() => this.#open.size === 0);
  }

  until(condition: (recorder: Recorder) => boolean): Promise<void> {
    const seen = () => `${this.arrivals.length} requests on ${this.sockets.length} connections`;
    return this.#watchers.until(() => condition(this), WAIT_MILLIS, seen);
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket);
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      this.#look();
    });
    this.#listenTo(socket);
    this.#look();
  }

  #listenTo(socket: Socket): void {
    let head: Buffer = Buffer.alloc(0); // as much of the next head as there is
    let current: Arrival | undefined;
    socket.on('data', (chunk: Buffer) => {
      for (let rest = chunk; rest.length > 0; ) {
        if (current === undefined) {
          head = Buffer.concat([head, rest]);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) break;
          current = this.#begun(socket, head.toString('latin1', 0, end));
          rest = head.subarray(end + 4);
          head = Buffer.alloc(0);
        }
        const taken = rest.subarray(0, current.length - current.body.length);
        current.body = Buffer.concat([current.body, taken]);
        rest = rest.subarray(taken.length);
        this.#read(current);
        if (isWhole(current)) current = undefined;
      }
      this.#look();
    });
  }

  #begun(socket: Socket, head: string): Arrival {
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    const arrival = { length, socket, treatment: this.#treat(this.arrivals.length), body: Buffer.alloc(0) };
    this.arrivals.push(arrival);
    if (arrival.treatment === 'early') socket.write(OK);
    return arrival;
  }

  #read(arrival: Arrival): void {
    const { socket, treatment, body, length } = arrival;
    if (treatment === 'reset' && body.length > length / 2) socket.destroy();
    if (treatment === 'slowly') {
      socket.pause();
      setImmediate(() => socket.resume());
    }
    if (!isWhole(arrival)) return;
    if (treatment === 'atOnce' || treatment === 'slowly') socket.write(OK);
    if (treatment === 'busy') socket.write(BUSY);
  }

  #look(): void {
    this.#watchers.look();
  }
}
