import type { LentRequest } from '../../otlp/traces/encode/encode.ts';

/**
 * How much our sockets hold before they say that they are full. A socket that said so tells when all of it has been handed to the
 * system; so of a piece that fills it by itself its sender hears when the memory is free again, and of a smaller one it does not. It
 * is set on each socket: what the process has for a default may change while the socket lives.
 */
export const SOCKET_HIGH_WATER_MARK_BYTES = 64 * 1024;

/** The body of one attempt's request. */
export interface Body {
  readonly length: number;
  /** To be read once. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** The attempt is over: answered, or not. Called once; the body is not kept for another attempt. */
  end(answered: boolean): void;
}

/** A body in memory of its own. */
export function ownBody(content: Uint8Array): Body {
  return { length: content.length, content, end: () => {} };
}

/** A body in lent memory. It is given back unless somebody may still read it: a socket that has not handed all of it to the system, or that was left with it. */
export class LentBody implements Body {
  readonly length: number;
  readonly content: AsyncIterable<Uint8Array>;
  #giveBack: (() => void) | undefined;
  #isBegun = false; // whether anything was read
  #isSent = false; // whether all of it was handed to the system
  #isAnswered = false;
  #isOver = false;

  constructor({ pieces, length, giveBack }: LentRequest) {
    this.length = length;
    this.content = this.#read(pieces);
    this.#giveBack = giveBack;
  }

  end(answered: boolean): void {
    this.#isAnswered = answered;
    this.#isOver = true;
    if (answered || !this.#isBegun) this.#giveBackUnlessRead();
    else this.#giveBack = undefined;
  }

  async *#read(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    if (this.#isOver) throw new Error('the body was given back');
    this.#isBegun = true;
    // Who iterates asks for the next piece when the socket has taken this one.
    for (const piece of pieces) yield piece;
    this.#isSent = true;
    if (this.#isAnswered) this.#giveBackUnlessRead();
  }

  #giveBackUnlessRead(): void {
    if (this.#isBegun && !this.#isSent) return;
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
