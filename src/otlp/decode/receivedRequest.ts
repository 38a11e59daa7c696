import type { Buffer } from '../../internal/buffer.ts';
import type { WirePlace } from '../../model/received.ts';
import type { DecodeLimits } from '../protobuf/decodeLimits.ts';
import { startOfContent } from '../protobuf/endOfValue.ts';
import { Reader } from '../protobuf/reader.ts';
import type { Resource, Scope } from './decodeRequest.ts';

/** The bytes of a request, of which the structure has been checked. What was received in it is read from them. */
export class ReceivedRequest {
  readonly bytes: Buffer & { hexSlice(start: number, end: number): string };
  /** By their bytes. */
  readonly resources = new Map<string, Resource>();
  readonly scopes = new Map<string, Scope>();
  readonly #reader: Reader;
  readonly #onMalformedText: () => void;

  constructor(bytes: Uint8Array, limits: DecodeLimits, onMalformedText: () => void) {
    this.#reader = new Reader(bytes, limits);
    this.bytes = this.#reader.bytes as ReceivedRequest['bytes'];
    this.#onMalformedText = onMalformedText;
  }

  /** Lets the bytes between two places be read. */
  read<Made>(start: number, end: number, read: (reader: Reader) => Made): Made {
    const made = read(this.begin(start, end));
    this.end();
    return made;
  }

  /** The reader, between two places, until {@link end}. */
  begin(start: number, end: number): Reader {
    this.#reader.restart(start, end);
    return this.#reader;
  }

  /** The same, for a message that begins with its length. */
  beginMessage({ bytes, at, end }: WirePlace): Reader {
    return this.begin(startOfContent(bytes, at), end);
  }

  /** Tells of malformed texts. */
  end(): void {
    for (let left = this.#reader.malformedTexts ?? 0; left > 0; left--) this.#tell();
  }

  #tell(): void {
    try {
      this.#onMalformedText();
    } catch {
      // Whoever reads an item did not give the callback.
    }
  }
}
