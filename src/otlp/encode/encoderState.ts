import { Memo, ownCopyOf } from '../cache/memo.ts';
import { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { writeString } from '../protobuf/write.ts';
import { type AttributeKey, type Place, ReusedName } from './attributeKey.ts';
import { ItemLimits } from './itemLimits.ts';
import { RepeatedId } from './repeatedId.ts';

const MAX_KEYS = 512;
const MAX_NAMES = 256;
/** Room for most names. */
const NAME_BYTES = 256;

/** The last second that was written, in nanoseconds: most items of a request are of few seconds. */
export interface LastSecond {
  seconds: number;
  low: number;
  high: number;
}

/** What an encoder keeps from item to item and from request to request: its buffer, and what was written before. */
export class EncoderState extends ItemLimits {
  /** Replaced when the buffer is lent. */
  out = new OutputBuffer();
  /** Of JSON, which is written from what stands in `out`. */
  #text: OutputBuffer | undefined;
  readonly keys = new Memo<AttributeKey>(MAX_KEYS, () => this.#forgetPlaces());
  /** Names of spans and events, of log records too. */
  readonly names = new Memo<ReusedName>(MAX_NAMES);
  /** Of all owners whose name is not remembered. */
  readonly places: Place[] = [];
  /** The last second: at first none, since NaN equals nothing. */
  readonly second: LastSecond = { seconds: Number.NaN, low: 0, high: 0 };
  /** The same for starts of points, which are those of the program: between them are the times of now. */
  readonly firstSecond: LastSecond = { seconds: Number.NaN, low: 0, high: 0 };
  /** How many attributes of the present owner have no OTLP form. */
  leftOut = 0;
  readonly traceId = new RepeatedId('traceId', 16);
  readonly parentId = new RepeatedId("parent's spanId", 8);
  /** How many bytes the length of the last item took: the next one's probably takes as many. */
  itemWidth = 2;

  get text(): OutputBuffer {
    this.#text ??= new OutputBuffer();
    return this.#text;
  }

  /** Nothing of the last request is needed any more: buffers that are too large to be kept are let go. */
  reset(): void {
    this.out.reset();
    this.#text?.reset();
  }

  /** What was written of the ids is written over, or sent. */
  forgetIds(): void {
    this.traceId.forget();
    this.parentId.forget();
  }

  /** A name that came before, or is remembered from now on if names come again. */
  nameOf(name: string): ReusedName | undefined {
    return this.names.find(name) ?? this.#newName(name);
  }

  #newName(name: string): ReusedName | undefined {
    if (name === '' || !this.names.wants(name)) return undefined;
    const out = new OutputBuffer(NAME_BYTES);
    const made = new ReusedName(out, 0, writeString(out, 0, name));
    this.names.keep(ownCopyOf(name), made);
    return made;
  }

  /** They hold keys, which would otherwise be more than are remembered. */
  #forgetPlaces(): void {
    this.names.clear();
    this.places.length = 0;
  }
}
