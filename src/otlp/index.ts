import '../internal/requireNode.ts';

export type { DecodeTracesOptions } from './decodeLimits.ts';
export { decodeTracesJson } from './json/read/decodeJson.ts';
export { encodeTracesJson } from './json/write/encodeJson.ts';
export { decodeTraces } from './traces/decode/decode.ts';
export { type EncodeTracesOptions, encodeTraces } from './traces/encode/encode.ts';
