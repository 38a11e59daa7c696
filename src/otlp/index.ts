import '../internal/requireNode.ts';

export type { DecodeTracesOptions } from './decodeLimits.ts';
export { encodeTracesJson } from './json/write/encodeJson.ts';
export { decodeTraces } from './traces/decode/decodeTraces.ts';
export { decodeTracesJson } from './traces/decode/decodeTracesJson.ts';
export { type EncodeTracesOptions, encodeTraces } from './traces/encode/encode.ts';
