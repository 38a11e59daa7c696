import { BufferPool } from '../protobuf/bufferPool.ts';
import { checkArguments, finished } from './encodeItems.ts';
import { jsonSteps, protobufSteps } from './encodeRequest.ts';
import { EncoderState } from './encoderState.ts';
import type { SignalFields } from './requestEncoder.ts';
import { inSlices } from './slices.ts';

/** The encodings of OTLP over HTTP. */
export type WireEncoding = 'protobuf' | 'json';

/** A request in a buffer that is used again when it is given back. */
export interface LentRequest {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  /** How many items cannot be expressed, and are not in it. */
  readonly unencodable: number;
  /** Called once, when the pieces are not read any more. */
  giveBack(): void;
}

/**
 * Encodes the requests of one sink, in slices, so that the program can go on in between, and without leaving hundreds of megabytes
 * behind for the garbage collector: a buffer is lent, and used again when it has been read. Requests are made one after the other,
 * since what is made in slices at the same time only takes longer.
 */
export class RequestLender<Item> {
  readonly #signal: SignalFields<Item>;
  readonly #leastBytes: number;
  readonly #state = new EncoderState();
  readonly #buffers = new BufferPool();
  /** Resolves when the request that was begun last has ended. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param leastBytes smaller pieces of a buffer are copied, and need not be given back */
  constructor(signal: SignalFields<Item>, leastBytes: number) {
    this.#signal = signal;
    this.#leastBytes = leastBytes;
  }

  /** Rejects with a SpanflowError `UNENCODABLE` where the request does not fit into memory. */
  lend(items: readonly Item[], encoding: WireEncoding): Promise<LentRequest> {
    const made = this.#last.then(() => this.#encode(items, encoding));
    // Keeps neither what was made, which is large, nor why it failed.
    this.#last = made.then(
      () => {},
      () => {},
    );
    return made;
  }

  async #encode(items: readonly Item[], encoding: WireEncoding): Promise<LentRequest> {
    checkArguments('export', this.#signal.noun, items, undefined);
    let unencodable = 0;
    const onUnencodable = () => {
      unencodable += 1;
    };
    const state = this.#state;
    if (encoding === 'json') {
      const body = await inSlices(jsonSteps(state, this.#signal, items, onUnencodable));
      state.reset();
      return { pieces: [body], length: body.length, unencodable, giveBack: () => {} };
    }
    const ranges = await inSlices(protobufSteps(state, this.#signal, items, onUnencodable));
    const { out } = state;
    const pieces = finished(() => ranges.lentFrom(out.bytes, this.#leastBytes));
    const isLent = pieces.some(({ buffer }) => buffer === out.bytes.buffer);
    if (isLent) state.out = this.#buffers.take();
    else out.reset();
    return { pieces, length: ranges.length, unencodable, giveBack: () => isLent && this.#buffers.giveBack(out) };
  }
}
