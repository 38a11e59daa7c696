import '../internal/requireNode.ts';

export type { DecodeTracesOptions } from './decodeLimits.ts';
export { decodeTracesJson } from './json/read/decodeJson.ts';
export { decodeTraces } from './traces/decode/decode.ts';
export { type EncodeTracesOptions, encodeTraces } from './traces/encode/encodeTraces.ts';
export { encodeTracesJson } from './traces/encode/encodeTracesJson.ts';
