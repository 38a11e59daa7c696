import { BufferRanges } from '../protobuf/bufferRanges.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import type { EncoderState } from './encoderState.ts';
import { addStart, framed, lengthOf, type Range, START_BYTES } from './frames.ts';

/** How a metric is written around its points. Each function but `of` and `dataTag` writes fields, and returns where they end. */
export interface MessageAround<Item> {
  /** What its items have in common, by identity. */
  readonly of: (item: Item) => object;
  /** The fields before the data. */
  readonly writeHead: (state: EncoderState, start: number, item: Item) => number;
  /** The tag of the data: a message of which the first field is the items. */
  readonly dataTag: (item: Item) => number;
  /** The fields of the data behind the items. */
  readonly writeRest: (state: EncoderState, start: number, item: Item) => number;
  /** The fields behind the data. */
  readonly writeTail: (state: EncoderState, start: number, item: Item) => number;
}

/** A message around items, of which more may come. */
export interface OpenMessage {
  readonly of: object;
  readonly head: Range;
  readonly dataTag: number;
  /** Where the first item begins. Before it is room for what begins the data, and before the head for what begins the message. */
  readonly start: number;
  readonly items: BufferRanges;
  readonly rest: Range;
  readonly tail: Range;
}

/** Writes all of a message but its items, which begin where it ends. */
export function openMessage<Item>(
  state: EncoderState,
  around: MessageAround<Item>,
  begin: number,
  item: Item,
): OpenMessage {
  state.restart();
  const rest = { start: begin, end: around.writeRest(state, begin, item) };
  const tail = { start: rest.end, end: around.writeTail(state, rest.end, item) };
  const headStart = tail.end + START_BYTES;
  const head = { start: headStart, end: around.writeHead(state, headStart, item) };
  const start = head.end + START_BYTES;
  return { of: around.of(item), head, dataTag: around.dataTag(item), start, items: new BufferRanges(), rest, tail };
}

/** Adds a message to the content of its scope. */
export function closeMessage(out: OutputBuffer, content: BufferRanges, tag: number, message: OpenMessage): void {
  const { head, items, rest, tail } = message;
  const data = items.length + lengthOf(rest);
  addStart(out, content, tag, lengthOf(head) + framed(data) + lengthOf(tail), head.start);
  content.add(head.start, head.end);
  addStart(out, content, message.dataTag, data, message.start);
  content.addAll(items);
  content.add(rest.start, rest.end);
  content.add(tail.start, tail.end);
}
