import type { RequestUse } from '../../otlp/encode/sharedRequests.ts';

/**
 * How much our sockets hold before they say that they are full. A full socket reports when all of it has been handed to the system.
 * So the sender of a piece that fills the socket by itself learns when the memory is free again, and the sender of a smaller piece
 * does not. It is set on each socket: the default of the process may change while the socket lives.
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
export function ownBody(content: Uint8Array, onEnd: () => void): Body {
  return { length: content.length, content, end: onEnd };
}

/**
 * A body in lent memory. The memory is given back unless a socket may still read it: one that has not handed all of it to the system, or whose
 * attempt was abandoned while it was sending.
 */
export class LentBody implements Body {
  readonly length: number;
  readonly content: AsyncIterable<Uint8Array>;
  readonly #use: RequestUse;
  #isBegun = false; // whether anything was read
  #isSent = false; // whether all of it was handed to the system
  #isAnswered = false;
  #isOver = false;

  constructor(use: RequestUse) {
    this.length = use.length;
    this.content = this.#read(use.pieces);
    this.#use = use;
  }

  end(answered: boolean): void {
    this.#isAnswered = answered;
    this.#isOver = true;
    if (!this.#isBegun || (answered && this.#isSent)) this.#use.giveBack();
    this.#use.end();
  }

  async *#read(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    if (this.#isOver) throw new Error('the body was given back');
    this.#isBegun = true;
    // The next piece is asked for when the socket has taken this one.
    for (const piece of pieces) yield piece;
    this.#isSent = true;
    if (this.#isAnswered) this.#use.giveBack();
  }
}
