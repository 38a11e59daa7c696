import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { viewJsonRequest } from '../../decode/viewJsonRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { tracesJson } from './decodeTracesJson.ts';
import { viewSpan } from './viewSpan.ts';

/** What `decodeTracesJson` reads, each item of which is read when it is asked for. */
export function viewTracesJson(json: string | Uint8Array, options: DecodeOptions = {}): ReadableSpan[] {
  return viewJsonRequest(json, limitsOf('viewTracesJson', options), tracesJson, viewSpan);
}
