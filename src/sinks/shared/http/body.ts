import type { RequestUse } from '../../../otlp/encode/sharedRequests.ts';

/** The body of one request. */
export interface Body {
  readonly length: number;
  /** To be read once. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** The same bytes in one piece, for functions that sign them. */
  whole(): Uint8Array;
  /** The request is over: answered, or not. Called once; the body is not kept for another attempt. */
  end(answered: boolean): void;
}

/** A body in memory of its own. */
export function ownBody(content: Uint8Array, onEnd: () => void): Body {
  return { length: content.length, content, whole: () => content, end: onEnd };
}

/**
 * A body in lent memory. The memory is given back unless somebody may still read it: a socket that has not handed all of it to the system, or whose
 * attempt was abandoned while it was sending, or a function of the user's that has looked at the bytes before they were sent.
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

  whole(): Uint8Array {
    if (this.#isOver) throw new Error(GIVEN_BACK);
    this.#isBegun = true;
    return wholeOf(this.#use.pieces);
  }

  end(answered: boolean): void {
    this.#isAnswered = answered;
    this.#isOver = true;
    if (!this.#isBegun || (answered && this.#isSent)) this.#use.giveBack();
    this.#use.end();
  }

  async *#read(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    if (this.#isOver) throw new Error(GIVEN_BACK);
    this.#isBegun = true;
    // The next piece is asked for when the socket has taken this one.
    for (const piece of pieces) yield piece;
    this.#isSent = true;
    if (this.#isAnswered) this.#use.giveBack();
  }
}

const GIVEN_BACK = 'the body was given back';

/** The pieces as one: the only one as it is, several as a copy. */
export function wholeOf(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
