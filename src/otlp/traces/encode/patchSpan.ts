import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ChangedSpan, type SpanChanges } from '../../../model/changedSpan.ts';
import { ReceivedItem, type WirePlace } from '../../../model/received.ts';
import { writeAttribute, writeAttributes } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { endOfValue, startOfContent } from '../../protobuf/endOfValue.ts';
import { hasKey, isPlainKey, valueField } from '../../protobuf/keyValue.ts';
import { NOT_WRITTEN, writeBytes } from '../../protobuf/write.ts';
import { writeContext, writeEvents, writeLinks, writeStatus } from './writeSpan.ts';

const ATTRIBUTES = 0x4a;
const FLAGS = 0x85;
const FLAGS_NUMBER = 16;
// How many messages contain an attribute's value, from the request down.
const SPAN_DEPTH = 5;

/** Whether {@link patchSpan} copies from the span's bytes, so that nothing of it is to be read. */
export function isPatched(span: ReadableSpan): boolean {
  return ReceivedItem.is(ChangedSpan.originalOf(span));
}

/**
 * Writes a received span of which some was replaced: the other fields are copied as they came, those that this version does not know, too.
 * `undefined` where the span has to be written from its fields.
 */
export function patchSpan(state: EncoderState, start: number, span: ReadableSpan): number | undefined {
  const changes = ChangedSpan.changesOf(span);
  const place = ReceivedItem.placeOf(ChangedSpan.originalOf(span));
  if (changes === undefined || place === undefined) return undefined;
  const end = new SpanPatch(state, place, changes).write(start, span);
  return end === NOT_WRITTEN ? undefined : end;
}

class SpanPatch {
  readonly #state: EncoderState;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #changes: SpanChanges;
  /** The numbers of the fields that are not copied, as bits. */
  readonly #replaced: number;
  /** What is added beside the attributes that are copied. */
  readonly #added: Attributes;
  readonly #keys: readonly string[];
  readonly #written = new Set<string>();
  /** From here on nothing has been copied yet, */
  #from: number;
  /** and it goes here. */
  #to = 0;

  constructor(state: EncoderState, { bytes, at, end }: WirePlace, changes: SpanChanges) {
    this.#state = state;
    this.#bytes = bytes;
    this.#from = startOfContent(bytes, at);
    this.#end = end;
    this.#changes = changes;
    this.#replaced = replacedBy(changes);
    this.#added = (changes.attributes === undefined ? changes.added : undefined) ?? {};
    this.#keys = Object.keys(this.#added);
  }

  write(start: number, span: ReadableSpan): number {
    this.#to = start;
    const isWritten =
      this.#keys.every(isPlainKey) && this.#copyOthers() && this.#keys.every((key) => this.#writeOnce(key));
    return isWritten ? this.#writeReplaced(this.#to, span) : NOT_WRITTEN;
  }

  /** Copies what was not replaced, and writes added attributes in the places of those of the same key. */
  #copyOthers(): boolean {
    const bytes = this.#bytes;
    for (let at = this.#from; at < this.#end; ) {
      const tag = bytes[at] as number;
      const isFlags = tag === FLAGS && bytes[at + 1] === 1;
      const value = isFlags ? at + 2 : at + 1;
      const end = tag < 0x80 || isFlags ? endOfValue(bytes, value, tag & 7) : -1;
      if (end < 0) return false;
      const number = isFlags ? FLAGS_NUMBER : tag >>> 3;
      if ((this.#replaced & (1 << number)) !== 0) this.#leaveOut(at, end);
      else if (tag === ATTRIBUTES && this.#keys.length > 0 && !this.#compare(at, end)) return false;
      at = end;
    }
    this.#leaveOut(this.#end, this.#end);
    return true;
  }

  /** Whether the attribute is written as nearly all are: a key, and then a value. If its key is an added one, it is replaced. */
  #compare(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const content = startOfContent(bytes, start + 1);
    if (valueField(bytes, content, end) < 0) return false;
    const key = this.#keys.find((added) => hasKey(bytes, content, added));
    if (key === undefined) return true;
    this.#leaveOut(start, end);
    return this.#writeOnce(key);
  }

  /** Copies up to a place, and goes on behind what is left out. */
  #leaveOut(start: number, end: number): void {
    if (start > this.#from) this.#to = writeBytes(this.#state.out, this.#to, this.#bytes.subarray(this.#from, start));
    this.#from = end;
  }

  /** Once, even if an attribute of that key came twice. */
  #writeOnce(key: string): boolean {
    if (this.#written.has(key)) return true;
    this.#written.add(key);
    const end = writeAttribute(this.#state, this.#to, ATTRIBUTES, SPAN_DEPTH, key, this.#added[key]);
    if (end !== NOT_WRITTEN) this.#to = end;
    return end !== NOT_WRITTEN;
  }

  #writeReplaced(start: number, span: ReadableSpan): number {
    const state = this.#state;
    const { attributes, events, links, status, context } = this.#changes;
    let at = start;
    if (attributes !== undefined) {
      at = writeAttributes(state, at, ATTRIBUTES, SPAN_DEPTH, span.attributes, 0);
      if (state.leftOut > 0) return NOT_WRITTEN; // they join a count that is copied
    }
    if (events !== undefined) at = writeEvents(state, at, events);
    if (links !== undefined) at = writeLinks(state, at, links);
    if (status !== undefined) at = writeStatus(state.out, at, status);
    if (context !== undefined) at = writeContext(state.out, at, context, span.parentSpanContext);
    return at;
  }
}

function replacedBy({ attributes, events, links, status, context }: SpanChanges): number {
  return (
    (attributes === undefined ? 0 : 1 << 9) |
    (events === undefined ? 0 : 1 << 11) |
    (links === undefined ? 0 : 1 << 13) |
    (status === undefined ? 0 : 1 << 15) |
    (context === undefined ? 0 : (1 << 1) | (1 << 2) | (1 << 3) | (1 << FLAGS_NUMBER))
  );
}
