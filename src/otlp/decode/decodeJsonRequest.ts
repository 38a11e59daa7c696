import { messageOf, SpanflowError } from '../../model/errors.ts';
import type { JsonMessage } from '../json/read/jsonSchema.ts';
import { wireOf } from '../json/read/jsonWire.ts';
import type { DecodeLimits } from '../protobuf/decodeLimits.ts';
import { decodeRequest, type SignalDecoding } from './decodeRequest.ts';

/**
 * The items of an export request in JSON. It is read as the protobuf message that it means, so that one place decides what an item
 * holds.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the place and the reason; `MESSAGE_TOO_LARGE`.
 */
export function decodeJsonRequest<Item>(
  json: string | Uint8Array,
  message: JsonMessage,
  limits: DecodeLimits,
  signal: SignalDecoding<Item>,
): Item[] {
  try {
    return decodeRequest(wireOf(json, message, limits), limits, signal);
  } catch (thrown) {
    if (thrown instanceof SpanflowError && thrown.code === 'MESSAGE_TOO_LARGE') throw thrown;
    const reason = `the OTLP/JSON request is malformed: ${messageOf(thrown)}`;
    throw new SpanflowError('MALFORMED_MESSAGE', reason, { cause: thrown });
  }
}
