export { decodeTraces } from './decode.ts';
export { type EncodeTracesOptions, encodeTraces } from './encode.ts';
