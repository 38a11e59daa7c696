/**
 * Spans as OTLP requests, and back: protobuf and JSON, without a connection.
 *
 * @module spanflow/otlp
 */

import '../internal/requireNode.ts';

export type { DecodeTracesOptions } from './protobuf/decodeLimits.ts';
export { decodeTraces } from './traces/decode/decodeTraces.ts';
export { decodeTracesJson } from './traces/decode/decodeTracesJson.ts';
export { type EncodeTracesOptions, encodeTraces } from './traces/encode/encodeTraces.ts';
export { encodeTracesJson } from './traces/encode/encodeTracesJson.ts';
