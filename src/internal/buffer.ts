import type { Buffer as NodeBuffer } from 'node:buffer';

/** Node's own, or what stands for it where there is no Node. */
export type Buffer<A extends ArrayBufferLike = ArrayBufferLike> = NodeBuffer<A>;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * What browsers and workers have instead of Node's `Buffer`: the methods that the encoders and decoders of `otlp/` use, with the same results, and no others. Node's are faster, so they are used where they are.
 */
export class WebBuffer extends Uint8Array {
  static alloc(size: number): WebBuffer {
    return new WebBuffer(size);
  }

  static allocUnsafeSlow(size: number): WebBuffer {
    return new WebBuffer(size);
  }

  static byteLength(text: string): number {
    return encoder.encode(text).length;
  }

  static concat(pieces: readonly Uint8Array[]): WebBuffer {
    const whole = new WebBuffer(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** A view of memory, or a copy of bytes, or what a text means. */
  static override from(given: unknown, second?: unknown, third?: number): WebBuffer {
    if (ArrayBuffer.isView(given)) return new WebBuffer(given as Uint8Array);
    if (typeof given !== 'string') return new WebBuffer(given as ArrayBuffer, second as number | undefined, third);
    if (second === 'hex') return new WebBuffer(bytesOfHex(given));
    if (second === 'base64') return new WebBuffer(bytesOfBase64(given));
    return new WebBuffer(encoder.encode(given));
  }

  /** Copies the bytes between `start` and `end` into another array. */
  copy(target: Uint8Array, at: number, start: number, end: number): number {
    target.set(this.subarray(start, end), at);
    return end - start;
  }

  /** Writes the bytes of the leading hex digits, and stops at the first other character. */
  write(text: string, _encoding: 'hex'): number {
    const bytes = bytesOfHex(text);
    this.set(bytes);
    return bytes.length;
  }

  utf8Write(text: string, start: number, mostBytes: number): number {
    return encoder.encodeInto(text, this.subarray(start, start + mostBytes)).written;
  }

  utf8Slice(start: number, end: number): string {
    return decoder.decode(this.subarray(start, end));
  }

  hexSlice(start: number, end: number): string {
    let hex = '';
    for (let at = start; at < end; at++) hex += (this[at] as number).toString(16).padStart(2, '0');
    return hex;
  }

  override toString(encoding: 'utf8' | 'base64' = 'utf8', start = 0, end = this.length): string {
    if (encoding === 'utf8') return this.utf8Slice(start, end);
    let binary = '';
    for (let at = start; at < end; at++) binary += String.fromCharCode(this[at] as number);
    return btoa(binary);
  }
}

function bytesOfHex(text: string): Uint8Array {
  const digits = /^(?:[\da-f]{2})*/i.exec(text)?.[0] ?? '';
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

/** Of both alphabets. */
function bytesOfBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Stand-ins of other runtimes and of bundlers may lack the methods that `Buffer` has for itself. */
function bufferOfHost(): typeof NodeBuffer {
  const found = globalThis.process?.getBuiltinModule?.('node:buffer')?.Buffer;
  const isWhole = found !== undefined && 'utf8Write' in found.prototype && 'utf8Slice' in found.prototype;
  return isWhole ? found : (WebBuffer as unknown as typeof NodeBuffer);
}

/** Node's `Buffer`; in browsers and workers, which have none, {@link WebBuffer}. */
export const Buffer = bufferOfHost();
