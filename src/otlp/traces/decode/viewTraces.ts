import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type SignalViewing, type ViewOptions, viewRequest } from '../../decode/viewRequest.ts';
import { SPAN_COSTS } from './readSpan.ts';
import { viewSpan } from './viewSpan.ts';

export const tracesViewing: SignalViewing<ReadableSpan> = {
  request: 'ExportTraceServiceRequest',
  costs: SPAN_COSTS,
  viewInto: viewSpan,
};

/** TODO */
export function viewTraces(bytes: Uint8Array, options: ViewOptions = {}): ReadableSpan[] {
  return viewRequest('viewTraces', bytes, options, tracesViewing);
}
