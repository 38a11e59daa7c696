/** What begins a spooled file: a name and a version. */
export const FILE_HEAD: Uint8Array = new TextEncoder().encode('spooled1');

/**
 * What stands before each body, in the order of its bytes, numbers big-endian:
 *
 * | bytes | |
 * |---|---|
 * | 4 | `SPFR` |
 * | 1 | 1 once the frame is done, and written over in its place; 0 until then |
 * | 4 | how many items |
 * | 4 | the length of the body, an OTLP request in protobuf |
 * | 4 | the CRC-32 of these two numbers and the body |
 */
export const FRAME_HEAD_BYTES = 17;
/** Where in the head it says whether the frame is done. */
export const DONE_AT = 4;

const MARK = 0x53504652;
const ITEMS_AT = 5;
const LENGTH_AT = 9;
const CHECKSUM_AT = 13;

/** What the head of a frame says. */
export interface FrameHead {
  readonly isDone: boolean;
  readonly items: number;
  readonly length: number;
  readonly checksum: number;
}

export function frameHead(items: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, MARK);
  view.setUint32(ITEMS_AT, items);
  view.setUint32(LENGTH_AT, body.length);
  view.setUint32(CHECKSUM_AT, checksumOf(head, body));
  return head;
}

/** Reads the head of a frame; `undefined` where none begins. */
export function readFrameHead(head: Uint8Array): FrameHead | undefined {
  if (head.length < FRAME_HEAD_BYTES) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint32(0) !== MARK) return undefined;
  return {
    isDone: head[DONE_AT] === 1,
    items: view.getUint32(ITEMS_AT),
    length: view.getUint32(LENGTH_AT),
    checksum: view.getUint32(CHECKSUM_AT),
  };
}

/** Whether the body is the one that the head was written for. */
export function isWhole(head: Uint8Array, body: Uint8Array): boolean {
  return readFrameHead(head)?.checksum === checksumOf(head, body);
}

function checksumOf(head: Uint8Array, body: Uint8Array): number {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return crc32(body, crc32(head.subarray(ITEMS_AT, CHECKSUM_AT)));
}
