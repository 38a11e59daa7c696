import { messageOf, SpanflowError } from '../../model/errors.ts';
import { type JsonMessage, responseJson, rpcStatusJson } from '../json/read/jsonSchema.ts';
import { wireOf } from '../json/read/jsonWire.ts';
import { DECODE_DEFAULTS } from '../protobuf/decodeLimits.ts';
import { decodeResponse, decodeStatus, type ExportServiceResponse } from './response.ts';

/**
 * The body of a success in JSON, whatever the signal.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeResponseJson(json: Uint8Array): ExportServiceResponse {
  return decodeResponse(responseWire(json, responseJson()));
}

/**
 * The message in the body of a failure (`google.rpc.Status`) in JSON, or else its code in words, or else an empty string.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeStatusJson(json: Uint8Array): string {
  return decodeStatus(responseWire(json, rpcStatusJson()));
}

function responseWire(json: Uint8Array, message: JsonMessage): Uint8Array {
  try {
    return wireOf(json, message, DECODE_DEFAULTS);
  } catch (thrown) {
    throw new SpanflowError('MALFORMED_MESSAGE', `the response is malformed: ${messageOf(thrown)}`, { cause: thrown });
  }
}
