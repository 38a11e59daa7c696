import '../runtime.ts';

export { decodeTraces } from './decode.ts';
export { decodeTracesJson } from './decode-json.ts';
export type { DecodeTracesOptions } from './decode-limits.ts';
export { type EncodeTracesOptions, encodeTraces } from './encode.ts';
export { encodeTracesJson } from './encode-json.ts';
