import type { LentRequest } from '../../otlp/encode.ts';

/**
 * How much our sockets hold before they say that they are full. A socket that said so tells when all of it has been handed to the
 * system; so of a piece that fills it by itself its sender hears when the memory is free again, and of a smaller one it does not. It
 * is set on each socket: what the process has for a default may change while the socket lives.
 */
export const SOCKET_HIGH_WATER_MARK_BYTES = 64 * 1024;

/** One attempt's use of a body. */
export interface Sending {
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The attempt had the answer that it wanted. */
  answered(): void;
  /** It had not: somebody may still read the body, and another attempt will. */
  failed(): void;
}

/** The body of a batch's request, for all of its attempts. */
export interface Body {
  readonly length: number;
  /** Nothing when it was given back. */
  begin(): Sending | undefined;
}

/** A body in memory of its own. */
export function ownBody(bytes: Uint8Array): Body {
  const sending: Sending = { body: bytes, answered: () => {}, failed: () => {} };
  return { length: bytes.length, begin: () => sending };
}

/** A body in lent memory: it is given back when an attempt was answered, and every attempt that was begun has handed all of it to the system. */
export class LentBody implements Body {
  readonly length: number;
  #pieces: readonly Uint8Array[];
  #giveBack: (() => void) | undefined;
  #parts = 0; // answers, and ends of sending, that are awaited
  #isOver = false; // given back

  /** @param onGivenBack told when it cannot be used any more */
  constructor({ pieces, length, giveBack }: LentRequest, onGivenBack: () => void) {
    this.#pieces = pieces;
    this.length = length;
    this.#giveBack = () => {
      this.#isOver = true;
      onGivenBack();
      giveBack();
    };
  }

  begin(): Sending | undefined {
    if (this.#isOver) return undefined;
    this.#parts += 2;
    return {
      body: sent(this.#pieces, () => this.#partDone()),
      answered: () => this.#partDone(),
      failed: () => this.#keep(),
    };
  }

  #partDone(): void {
    this.#parts -= 1;
    if (this.#parts === 0) this.#giveBack?.();
  }

  /** From now on it is a body like any other, and no larger than it must be while it waits for another attempt. */
  #keep(): void {
    if (this.#giveBack !== undefined) this.#pieces = this.#pieces.map((piece) => new Uint8Array(piece));
    this.#giveBack = undefined;
  }
}

async function* sent(pieces: readonly Uint8Array[], onSent: () => void): AsyncGenerator<Uint8Array> {
  // Who iterates asks for the next piece when the socket has taken this one.
  for (const piece of pieces) yield piece;
  onSent();
}
