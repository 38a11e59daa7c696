import type { Socket } from 'node:net';

const INFORMATIONAL = 'HTTP/1.1 1';
const SWITCHING_PROTOCOLS = 'HTTP/1.1 101';
const END_OF_HEAD = '\r\n\r\n';
/** Anything longer is not an informational answer, and is left to the HTTP client. */
const MAX_HELD_BYTES = 16 * 1024;

/**
 * Removes informational answers (status 1xx) from what a socket reads before the final answer. A client must skip them even if it did not ask for them (RFC 9110, 15.2), but undici closes a connection on
 * which it reads `100 Continue`, and has no option against it.
 */
export class InformationalAnswers {
  #isExpected = false; // from the start of a request to the start of its final answer
  #held: Buffer = Buffer.alloc(0); // bytes that may be the start of an informational answer

  constructor(socket: Socket) {
    const read = socket.read.bind(socket);
    socket.read = (size?: number): Buffer | null => {
      for (let chunk = read(size); chunk !== null; chunk = read(size)) {
        const passed = this.#passed(chunk);
        if (passed !== null) return passed;
      }
      return null;
    };
  }

  /** A request begins: an answer is expected. */
  expect(): void {
    this.#isExpected = true;
  }

  #passed(chunk: Buffer): Buffer | null {
    if (!this.#isExpected) return chunk;
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    // Empty lines before an answer are skipped (RFC 9112, 2.2).
    bytes = withoutEmptyLines(bytes);
    while (bytes.length > 0 && isInformational(bytes)) {
      const end = bytes.indexOf(END_OF_HEAD);
      if (end < 0 && bytes.length <= MAX_HELD_BYTES) {
        this.#held = bytes;
        return null;
      }
      if (end < 0) break;
      bytes = withoutEmptyLines(bytes.subarray(end + END_OF_HEAD.length));
    }
    this.#held = Buffer.alloc(0);
    if (bytes.length === 0) return null;
    this.#isExpected = false;
    return bytes;
  }
}

function withoutEmptyLines(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
  return bytes.subarray(first < 0 ? bytes.length : first);
}

/** Whether the bytes are an informational answer, or can be the start of one. `101 Switching Protocols` is not: what follows it is not HTTP. */
function isInformational(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, SWITCHING_PROTOCOLS.length).replace('HTTP/1.0', 'HTTP/1.1');
  const length = Math.min(start.length, INFORMATIONAL.length);
  return start.slice(0, length) === INFORMATIONAL.slice(0, length) && start !== SWITCHING_PROTOCOLS;
}
