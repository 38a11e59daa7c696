import threads from 'node:worker_threads'; // whole: a name that an older Node lacks would fail before its version is told

/** A value that is ready to be sent, and the buffers that are moved with it. */
export interface Packed {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}

/** How deep bytes are looked for: the value itself, its elements or fields, and theirs. */
const MAX_DEPTH = 2;

/**
 * Finds the bytes that can be moved instead of copied.
 *
 * A view that is all of its buffer is moved: afterwards it is empty on this side. A view of a part (a slice, a small `Buffer` of Node's pool) is copied first, and the copy is moved: so what others see of the same buffer stays as it
 * is, and the rest of the buffer is not sent. (Structured cloning of such a view would copy its whole buffer.)
 */
export function packed(value: unknown): Packed {
  const transfer = new Set<ArrayBuffer>();
  return { value: pack(value, transfer, MAX_DEPTH), transfer: [...transfer] };
}

function pack(value: unknown, transfer: Set<ArrayBuffer>, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return packView(value, transfer);
  if (value instanceof ArrayBuffer) {
    if (isMovable(value)) transfer.add(value);
    return value;
  }
  if (depth === 0) return value;
  if (Array.isArray(value)) return packArray(value, transfer, depth);
  return isPlain(value) ? packRecord(value as Record<string, unknown>, transfer, depth) : value;
}

function packView(view: ArrayBufferView, transfer: Set<ArrayBuffer>): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  if (!(buffer instanceof ArrayBuffer)) return view; // shared memory
  if (byteOffset === 0 && byteLength === buffer.byteLength && isMovable(buffer)) {
    transfer.add(buffer);
    return view;
  }
  // Only bytes are cut out: of other kinds of views, cloning takes care.
  if (!(view instanceof Uint8Array)) return view;
  const own = new Uint8Array(view); // never in Node's pool
  transfer.add(own.buffer);
  return own;
}

/** The same array, unless one of its elements was copied. */
function packArray(values: readonly unknown[], transfer: Set<ArrayBuffer>, depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const sent = pack(value, transfer, depth - 1);
    if (sent === value) continue;
    copy ??= [...values];
    copy[index] = sent;
  }
  return copy ?? values;
}

function packRecord(record: Record<string, unknown>, transfer: Set<ArrayBuffer>, depth: number): object {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    const value = record[key];
    const sent = pack(value, transfer, depth - 1);
    if (sent === value) continue;
    copy ??= { ...record };
    copy[key] = sent;
  }
  return copy ?? record;
}

function isMovable(buffer: ArrayBuffer): boolean {
  return !buffer.detached && !threads.isMarkedAsUntransferable(buffer);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
