import { messageOf, SpanflowError } from '../../model/errors.ts';
import { type JsonMessage, rpcStatusJson, traceResponseJson } from '../json/read/jsonSchema.ts';
import { wireOf } from '../json/read/jsonWire.ts';
import { DECODE_TRACES_DEFAULTS } from '../protobuf/decodeLimits.ts';
import { decodeStatus, decodeTraceResponse, type TraceResponse } from './response.ts';

/**
 * The body of a success (`ExportTraceServiceResponse`) in JSON.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeTraceResponseJson(json: Uint8Array): TraceResponse {
  return decodeTraceResponse(responseWire(json, traceResponseJson()));
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
    return wireOf(json, message, DECODE_TRACES_DEFAULTS);
  } catch (thrown) {
    throw new SpanflowError('MALFORMED_MESSAGE', `the response is malformed: ${messageOf(thrown)}`, { cause: thrown });
  }
}
