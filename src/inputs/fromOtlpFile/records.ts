/** One export request of a file, or why there is none at this place. */
export type FileRecord = FilePlace & ({ readonly content: Uint8Array } | Damage);

/** Where a record is. */
interface FilePlace {
  /** To be put behind the name of the file: `:2` is its second line, `, record 3 at byte 812` a record behind its length. */
  readonly place: string;
}

interface Damage {
  readonly damage: string;
  /** Bytes behind it that cannot be read either: nobody knows where the next record begins. */
  readonly unreadBytes?: number;
}

const NEWLINE = 0x0a;
const LENGTH_BYTES = 4;
/** What a file of JSON begins with: an object, white space, or a byte order mark. */
const JSON_STARTS = new Set([0x7b, 0x20, 0x09, 0x0a, 0x0d, 0xef]);

/**
 * The records of a file: lines, or records behind four bytes of length, big-endian. Which of them it is, the first byte says: no record that may be read has a length that begins like JSON or white space.
 */
export async function* recordsOf(
  chunks: AsyncIterable<Uint8Array>,
  maxRecordBytes: number,
): AsyncGenerator<FileRecord> {
  const bytes = new ByteQueue(chunks[Symbol.asyncIterator]());
  try {
    if (!(await bytes.has(1))) return;
    yield* JSON_STARTS.has(bytes.peek(1)[0] ?? 0) ? linesOf(bytes, maxRecordBytes) : framesOf(bytes, maxRecordBytes);
  } catch (error) {
    if (!isOfContent(error)) throw error;
    yield { place: '', damage: `the rest cannot be decompressed: ${error.message}` };
  } finally {
    await bytes.close();
  }
}

/** What zlib says about the bytes, as opposed to what the system says about the file. */
function isOfContent(error: unknown): error is Error {
  const { code } = error as { code?: unknown };
  return error instanceof Error && typeof code === 'string' && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
}

async function* linesOf(bytes: ByteQueue, maxRecordBytes: number): AsyncGenerator<FileRecord> {
  for (let line = 1; await bytes.has(1); line += 1) {
    const place = `:${line}`;
    const length = await bytes.lengthTo(NEWLINE, maxRecordBytes);
    if (length === undefined) {
      await bytes.skipTo(NEWLINE);
      yield { place, damage: `a line is longer than maxRecordBytes ${maxRecordBytes}` };
    } else {
      const content = bytes.take(length);
      if (await bytes.has(1)) bytes.take(1);
      if (!isBlank(content)) yield { place, content };
    }
  }
}

/** Behind a length that cannot be right, nothing can be read any more. */
async function* framesOf(bytes: ByteQueue, maxRecordBytes: number): AsyncGenerator<FileRecord> {
  for (let record = 1; await bytes.has(1); record += 1) {
    const place = `, record ${record} at byte ${bytes.position}`;
    if (!(await bytes.has(LENGTH_BYTES))) return yield { place, damage: 'the file ends within the length of a record' };
    const head = bytes.take(LENGTH_BYTES);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (length > maxRecordBytes) {
      const start = bytes.position;
      if (!(await bytes.skip(length))) return yield { place, ...beyondTheEnd(length, bytes.position - start) };
      yield { place, damage: `a record of ${length} bytes is larger than maxRecordBytes ${maxRecordBytes}` };
    } else {
      if (!(await bytes.has(length))) return yield { place, ...beyondTheEnd(length, bytes.waiting) };
      yield { place, content: bytes.take(length) };
    }
  }
}

function beyondTheEnd(length: number, unreadBytes: number): Damage {
  const rest = `the remaining ${unreadBytes} bytes cannot be read`;
  return { damage: `a record of ${length} bytes reaches beyond the end: ${rest}`, unreadBytes };
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** Bytes that have been read and not taken. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #dropped = 0; // bytes that were taken, from the beginning on

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** How many bytes have been taken. */
  get position(): number {
    return this.#dropped;
  }

  /** How many bytes have been read and not taken. */
  get waiting(): number {
    return this.#length;
  }

  /** Whether there are so many: it reads until there are. */
  async has(count: number): Promise<boolean> {
    while (this.#length < count) if (!(await this.#read())) return false;
    return true;
  }

  /** The next bytes, which stay. There are so many. */
  peek(count: number): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= count) return first.subarray(0, count);
    const whole = Buffer.concat(this.#pieces, this.#length);
    this.#pieces = [whole];
    return whole.subarray(0, count);
  }

  take(count: number): Uint8Array {
    const taken = this.peek(count);
    this.#drop(count);
    return taken;
  }

  /** How many bytes come before this one, or before the end; `undefined` if that is more than the maximum. */
  async lengthTo(byte: number, max: number): Promise<number | undefined> {
    let before = 0; // in the pieces that have been searched
    for (let index = 0; ; index += 1) {
      if (index === this.#pieces.length && !(await this.#read())) return before;
      const piece = this.#pieces[index] as Uint8Array;
      const at = piece.indexOf(byte);
      const length = before + (at < 0 ? piece.length : at);
      if (length > max) return undefined;
      if (at >= 0) return length;
      before += piece.length;
    }
  }

  /** Drops what comes up to and with this byte, or to the end. */
  async skipTo(byte: number): Promise<void> {
    while (await this.has(1)) {
      const piece = this.#pieces[0] as Uint8Array;
      const at = piece.indexOf(byte);
      this.#drop(at < 0 ? piece.length : at + 1);
      if (at >= 0) return;
    }
  }

  /** Drops so many bytes. Whether there were so many. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0 && (await this.has(1))) {
      const part = Math.min(left, this.#length);
      this.#drop(part);
      left -= part;
    }
    return left === 0;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    if (value.length > 0) this.#pieces.push(value);
    this.#length += value.length;
    return true;
  }

  #drop(count: number): void {
    this.#length -= count;
    this.#dropped += count;
    let left = count;
    while (left > 0) {
      const first = this.#pieces[0] as Uint8Array;
      if (first.length > left) {
        this.#pieces[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#pieces.shift();
    }
  }
}
