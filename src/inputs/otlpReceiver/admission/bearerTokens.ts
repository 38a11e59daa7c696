import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Knows tokens by their hashes, under a key that is drawn anew for each receiver.
 *
 * Why hashes? `timingSafeEqual` compares buffers of one length only, and a comparison that fails early on another length tells the length. All tokens are compared, whichever it is: how long it takes says nothing of which it was like.
 */
export class BearerTokens {
  readonly #key = randomBytes(32);
  readonly #hashes: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map((token) => this.#hashOf(token));
  }

  /** Whether an `Authorization` header bears one of the tokens. */
  admits(authorization: string | undefined): boolean {
    const [, token = ''] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    const hash = this.#hashOf(token);
    let found = 0;
    for (const known of this.#hashes) found |= Number(timingSafeEqual(known, hash));
    return found === 1;
  }

  #hashOf(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest();
  }
}
