// What the tests of lent request bodies have in common.

import { channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { onTestFinished, vi } from 'vitest';
import { encodeTraces } from '../../src/otlp/index.ts';
import { BufferPool } from '../../src/otlp/protobuf/bufferPool.ts';
import type { OutputBuffer } from '../../src/otlp/protobuf/outputBuffer.ts';
import { generatedSpans, spanWith } from './spans.ts';

/** No body consists of it. */
const SPOILT_BYTE = 0x55;

/** Of the spans that make a batch as large as it is wanted. */
const FILLING_CHARACTERS = 1500;

/** A batch unlike any other from its first bytes on. All of it has one owner, so that it lies in one large piece. */
export function largeBatch(seed: number, kibibytes = 150): ReadableSpan[] {
  const resource = resourceFromAttributes({ 'service.name': `batch ${seed}` });
  const instrumentationScope = { name: `scope ${seed}` };
  const filled = Array.from({ length: Math.ceil((kibibytes * 1024) / (FILLING_CHARACTERS + 100)) }, (_, index) =>
    spanWith({ name: `${seed}/${index} `.padEnd(FILLING_CHARACTERS, `${seed} `) }),
  );
  const spans = [...generatedSpans({ seed, count: 20 }), ...filled];
  return spans.map((span) => ({ ...span, resource, instrumentationScope }));
}

/** A batch whose spans are changed as soon as the last of them was read: what is sent, now or again, must not be read from them. */
export function spoiltOnceRead(spans: readonly ReadableSpan[]): ReadableSpan[] {
  const spoilt = spans.map((span) => ({ ...span }));
  const changed = { name: 'spoilt', startTime: [1, 1], events: [], attributes: { spoilt: true } };
  const spoil = () => {
    for (const span of spoilt) Object.assign(span, changed);
  };
  Object.defineProperty(spoilt.at(-1), 'droppedLinksCount', {
    get: () => {
      queueMicrotask(spoil);
      return 0;
    },
  });
  return spoilt;
}

/** The body of a request, in memory that nobody else has. */
export function bodyOf(spans: readonly ReadableSpan[]): Buffer {
  return Buffer.from(encodeTraces(spans));
}

/** Which of the bodies begins like that; -1 where none does. */
export function originOf(received: Uint8Array, bodies: readonly Buffer[]): number {
  return bodies.findIndex(
    (body) => received.length <= body.length && body.compare(received, 0, received.length, 0, received.length) === 0,
  );
}

/**
 * The buffers that were given back during this test, and those that were taken again. No garbage collector takes one away.
 *
 * What is given back is written over at once: a request that still reads it does not arrive as it was made.
 */
export interface Lendings {
  readonly givenBack: readonly OutputBuffer[];
  readonly takenAgain: readonly OutputBuffer[];
  /** Given back while they were free: two requests would be written into each. */
  readonly givenBackTwice: readonly OutputBuffer[];
}

export function recordLendings(): Lendings {
  const lendings = {
    givenBack: [] as OutputBuffer[],
    takenAgain: [] as OutputBuffer[],
    givenBackTwice: [] as OutputBuffer[],
  };
  const free = new Set<OutputBuffer>();
  const { take, giveBack } = BufferPool.prototype;
  const spies = [
    vi.spyOn(BufferPool.prototype, 'take').mockImplementation(function (this: BufferPool) {
      const out = take.call(this);
      if (lendings.givenBack.includes(out)) lendings.takenAgain.push(out);
      free.delete(out);
      return out;
    }),
    vi.spyOn(BufferPool.prototype, 'giveBack').mockImplementation(function (this: BufferPool, out) {
      if (free.has(out)) lendings.givenBackTwice.push(out);
      free.add(out);
      out.bytes.fill(SPOILT_BYTE);
      lendings.givenBack.push(out);
      giveBack.call(this, out);
    }),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return lendings;
}

/** Each socket of ours that a request is about to be written to, during this test. */
export function onRequest(told: (socket: Socket) => void): void {
  listen('undici:client:sendHeaders', ({ socket }) => told(socket as Socket));
}

/** Resolves when the head of an answer has come, and was reported. */
export function answerBegins(): Promise<void> {
  return new Promise((resolve) => listen('undici:request:headers', () => void setImmediate(resolve)));
}

function listen(name: string, told: (message: Record<string, unknown>) => void): void {
  const listener = (message: unknown) => told(message as Record<string, unknown>);
  channel(name).subscribe(listener);
  onTestFinished(() => void channel(name).unsubscribe(listener));
}

type Write = (this: Socket, ...args: unknown[]) => void;

/**
 * Lets a socket write only when it is told to, as if the system took nothing until then: what it writes is read at that moment.
 *
 * @param hold told of each write, with what carries it out
 */
export function slowDown(socket: Socket, hold: (write: () => void) => void): void {
  const slowed = socket as Socket & { _write: Write; _writev: Write | null; isSlow?: boolean };
  if (slowed.isSlow === true) return;
  slowed.isSlow = true;
  const { _write, _writev } = slowed;
  slowed._write = (...args) => hold(() => _write.apply(slowed, args));
  if (_writev !== null) slowed._writev = (...args) => hold(() => _writev.apply(slowed, args));
}

/** Holds what is written until it is opened. */
export class Gate {
  readonly #held: (() => void)[] = [];
  readonly #reached = Promise.withResolvers<void>();
  #isOpen = false;
  /** Resolves when something is held. */
  readonly reached = this.#reached.promise;

  readonly hold = (write: () => void): void => {
    if (this.#isOpen) write();
    else this.#held.push(write);
    this.#reached.resolve();
  };

  open(): void {
    this.#isOpen = true;
    for (const write of this.#held.splice(0)) write();
  }
}
