import { messageOf, SpanflowError } from '../../model/errors.ts';
import { JsonReader } from '../json/read/jsonReader.ts';
import { JsonScan } from '../json/read/jsonScan.ts';
import type { JsonMessage } from '../json/read/jsonSchema.ts';
import { type JsonShape, jsonShapeOf } from '../json/read/jsonShape.ts';
import { exceedsParsed } from '../json/read/jsonSize.ts';
import { parsed } from '../json/read/jsonText.ts';
import { textWithin, wireOfParsed } from '../json/read/jsonWire.ts';
import type { DecodeLimits } from '../protobuf/decodeLimits.ts';
import type { Costs } from '../protobuf/scan.ts';
import { indexBytes, VALUE_COSTS } from './attributes.ts';
import { decodeRequest, FRAME_COSTS, readItems, type SignalDecoding } from './decodeRequest.ts';

/** What differs between the requests of traces, logs and metrics in JSON. */
export interface SignalJson<Item> {
  readonly message: () => JsonMessage;
  readonly costs: Costs;
  readonly decoding: SignalDecoding<Item>;
}

/** A character of UTF-16 has at most so many bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

const shapes = new Map<string, JsonShape>();

/**
 * The items of an export request in JSON. In the usual form it is read from the parsed objects by the tables of the decoder; in any other
 * form as the protobuf message that it means, which is the strict way. So one place decides what an item holds.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the place and the reason; `MESSAGE_TOO_LARGE`.
 */
export function decodeJsonRequest<Item>(
  json: string | Uint8Array,
  limits: DecodeLimits,
  signal: SignalJson<Item>,
): Item[] {
  return readJsonRequest(json, limits, signal, (reader) => {
    const items: Item[] = [];
    readItems(items, reader, signal.decoding.readInto);
    return items;
  });
}

/**
 * The same, where it is said how JSON in the usual form is read.
 *
 * @param read given a reader at the begin of the request
 */
export function readJsonRequest<Item>(
  json: string | Uint8Array,
  limits: DecodeLimits,
  signal: SignalJson<Item>,
  read: (reader: JsonReader) => Item[],
): Item[] {
  const message = signal.message();
  try {
    const text = textWithin(json, limits);
    const value = parsed(text);
    const reader = readerOfUsual(text, value, limits, signal, message);
    if (reader !== undefined) return read(reader);
    return decodeRequest(wireOfParsed(text, value, message), limits, signal.decoding);
  } catch (thrown) {
    if (thrown instanceof SpanflowError && thrown.code === 'MESSAGE_TOO_LARGE') throw thrown;
    const reason = `the OTLP/JSON request is malformed: ${messageOf(thrown)}`;
    throw new SpanflowError('MALFORMED_MESSAGE', reason, { cause: thrown });
  }
}

/** `undefined` where the form is another one, or where the parsed objects and the items together may exceed the limits. */
function readerOfUsual(
  text: string,
  json: unknown,
  limits: DecodeLimits,
  signal: SignalJson<never>,
  message: JsonMessage,
): JsonReader | undefined {
  const { maxItems, maxDecodedBytes } = limits;
  const scan = new JsonScan(maxItems, maxDecodedBytes - text.length * MAX_BYTES_PER_UNIT, indexBytes);
  const shape = shapeFor(signal, message);
  if (!scan.passes(json, shape) || exceedsParsed(text, scan.heapLeft)) return undefined;
  return new JsonReader(json, message, limits, scan.itemBytes);
}

function shapeFor({ decoding: { request }, costs }: SignalJson<never>, message: JsonMessage): JsonShape {
  const shape = shapes.get(request) ?? jsonShapeOf(request, message, { ...VALUE_COSTS, ...FRAME_COSTS, ...costs });
  shapes.set(request, shape);
  return shape;
}
