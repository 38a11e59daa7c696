import type { LentRequest, RequestLender, WireEncoding } from './requestLender.ts';

/** One sink's use of a request that several may send. */
export interface RequestUse {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  /** How many items cannot be expressed, and are not in it. */
  readonly unencodable: number;
  /** The attempt is over. Called once. */
  end(): void;
  /** This use reads the pieces no more. Called once at most: where it is unknown, it is not called, and the buffer is never used again. */
  giveBack(): void;
}

/** Counts bytes of encoded requests: how many more there are, or fewer. */
export type CountBytes = (change: number) => void;

/** By the items, whose array stands for their batch. The array is not changed while a request is made and used. */
const inUse = new WeakMap<readonly unknown[], Partial<Record<WireEncoding, SharedRequest>>>();

/**
 * Encodes items, or shares the request that is in use for the same items and encoding: a batch that goes to several sinks is
 * encoded once. A request is let go with its last use; an attempt that comes later encodes anew, so that batches that wait hold no
 * request.
 *
 * @param countBytes called when a request has been made, and again when the last attempt that uses it is over
 */
export function requestFor<Item>(
  items: readonly Item[],
  encoding: WireEncoding,
  lender: RequestLender<Item>,
  countBytes: CountBytes,
): Promise<RequestUse> {
  const known = inUse.get(items) ?? {};
  inUse.set(items, known);
  let shared = known[encoding];
  if (shared === undefined) {
    shared = new SharedRequest(lender.lend(items, encoding), countBytes, () => delete known[encoding]);
    known[encoding] = shared;
  }
  return shared.use();
}

class SharedRequest {
  readonly #made: Promise<LentRequest>;
  readonly #countBytes: CountBytes;
  readonly #onEnd: () => void;
  /** Attempts that are not over. */
  #attempts = 0;
  /** Uses that may still read the pieces. */
  #readers = 0;

  constructor(made: Promise<LentRequest>, countBytes: CountBytes, onEnd: () => void) {
    this.#countBytes = countBytes;
    this.#onEnd = onEnd;
    this.#made = made.then((request) => {
      countBytes(request.length);
      return request;
    });
    // A failure reaches each attempt that uses the request, too.
    this.#made.catch(onEnd);
  }

  async use(): Promise<RequestUse> {
    this.#attempts += 1;
    this.#readers += 1;
    const request = await this.#made;
    return {
      pieces: request.pieces,
      length: request.length,
      unencodable: request.unencodable,
      end: () => this.#end(request),
      giveBack: () => this.#giveBack(request),
    };
  }

  #end(request: LentRequest): void {
    this.#attempts -= 1;
    if (this.#attempts > 0) return;
    // From here on no use is added.
    this.#onEnd();
    this.#countBytes(-request.length);
    if (this.#readers === 0) request.giveBack();
  }

  #giveBack(request: LentRequest): void {
    this.#readers -= 1;
    if (this.#readers === 0 && this.#attempts === 0) request.giveBack();
  }
}
