import { Buffer } from '../../internal/buffer.ts';
import { JsonWriter } from '../json/write/jsonWriter.ts';
import { BufferRanges } from '../protobuf/bufferRanges.ts';
import { makeYoung } from '../protobuf/youngGarbage.ts';
import { encodeItems, finished, type OnUnencodable } from './encodeItems.ts';
import { EncoderState } from './encoderState.ts';
import { RequestEncoder, type SignalFields } from './requestEncoder.ts';

/** Work that can be left for a while at each `yield`, and what comes of it. */
export type Steps<Made> = Generator<void, Made, void>;

const ITEMS_PER_STEP = 16;
/** Of the binary message, when it is written as JSON. */
const BYTES_PER_STEP = 16 * 1024;

/** Encodes items as a protobuf request: ranges of the state's buffer. */
export function* protobufSteps<Item>(
  state: EncoderState,
  signal: SignalFields<Item>,
  items: readonly Item[],
  onUnencodable: OnUnencodable<Item>,
  received: 'copied' | 'written' = 'copied',
): Steps<BufferRanges> {
  const request = new RequestEncoder(state, signal, received);
  for (let from = 0; from < items.length; from += ITEMS_PER_STEP) {
    if (from > 0) yield;
    encodeItems(request, signal, items, onUnencodable, from, Math.min(from + ITEMS_PER_STEP, items.length));
  }
  return finished(() => request.finish());
}

/**
 * Encodes items as a request in OTLP/JSON, in memory of its own. JSON is the binary message, written as text: each field of it at most
 * once, so that received items are not copied into it.
 */
export function* jsonSteps<Item>(
  state: EncoderState,
  signal: SignalFields<Item>,
  items: readonly Item[],
  onUnencodable: OnUnencodable<Item>,
): Steps<Uint8Array<ArrayBuffer>> {
  const ranges = yield* protobufSteps(state, signal, items, onUnencodable, 'written');
  const writer = finished(
    () => new JsonWriter(contiguous(ranges.lentFrom(state.out.bytes, 0)), signal.json(), state.text),
  );
  let length: number | undefined;
  for (let until = BYTES_PER_STEP; length === undefined; until += BYTES_PER_STEP) {
    if (until > BYTES_PER_STEP) yield;
    length = finished(() => writer.write(until));
  }
  const text = new BufferRanges();
  text.add(0, length);
  return finished(() => text.copiedFrom(state.text.bytes));
}

function contiguous(pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces;
  if (pieces.length !== 1 || only === undefined) return Buffer.concat(pieces);
  return Buffer.from(only.buffer, only.byteOffset, only.length);
}

/** Encodes requests of one signal, each in one go. What was written before is kept from one request to the next. */
export class OneGoEncoder<Item> {
  readonly #signal: SignalFields<Item>;
  #spare: EncoderState | undefined;

  constructor(signal: SignalFields<Item>) {
    this.#signal = signal;
  }

  protobuf(items: readonly Item[], onUnencodable: OnUnencodable<Item>): Uint8Array<ArrayBuffer> {
    return this.#encode((state) => {
      const ranges = allOf(protobufSteps(state, this.#signal, items, onUnencodable));
      return finished(() => ranges.copiedFrom(state.out.bytes));
    });
  }

  json(items: readonly Item[], onUnencodable: OnUnencodable<Item>): Uint8Array<ArrayBuffer> {
    return this.#encode((state) => allOf(jsonSteps(state, this.#signal, items, onUnencodable)));
  }

  #encode(encode: (state: EncoderState) => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    // Reading an item may call a getter of the program, which may encode other items: that nested call finds no spare state, and makes one of its own.
    const state = this.#spare ?? new EncoderState();
    this.#spare = undefined;
    try {
      const body = encode(state);
      makeYoung(body.length);
      return body;
    } finally {
      state.reset();
      this.#spare = state;
    }
  }
}

function allOf<Made>(steps: Steps<Made>): Made {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
