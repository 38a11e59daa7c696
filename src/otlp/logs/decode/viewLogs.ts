import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { type SignalViewing, type ViewOptions, viewRequest } from '../../decode/viewRequest.ts';
import { LOG_COSTS } from './readLogRecord.ts';
import { RECORD_ATTRIBUTES, viewLogRecord } from './viewLogRecord.ts';

export const logsViewing: SignalViewing<ReadableLogRecord> = {
  request: 'ExportLogsServiceRequest',
  costs: LOG_COSTS,
  viewInto: viewLogRecord,
  attributes: RECORD_ATTRIBUTES,
};

/**
 * The records of an OTLP logs export request (protobuf), each of which is read from the bytes when it is asked for,
 * as {@link viewTraces} does it for spans.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none.
 *
 * @throws SpanflowError as {@link viewTraces} does.
 *
 * @example
 * ```ts
 * const { encodeLogs, viewLogs } = await import('spanflow/otlp');
 * const body = encodeLogs(viewLogs(await readFile('logs.otlp')));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function viewLogs(bytes: Uint8Array, options: ViewOptions = {}): ReadableLogRecord[] {
  return viewRequest('viewLogs', bytes, options, logsViewing);
}
