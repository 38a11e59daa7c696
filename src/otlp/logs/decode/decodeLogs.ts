import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { decodeRequest, type SignalDecoding } from '../../decode/decodeRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { readLogRecord } from './readLogRecord.ts';

export const logsDecoding: SignalDecoding<ReadableLogRecord> = {
  request: 'ExportLogsServiceRequest',
  readInto: readLogRecord,
};

/**
 * The records of an OTLP logs export request (protobuf), as plain objects that fit the `ReadableLogRecord` of `@opentelemetry/sdk-logs`.
 *
 * `encodeLogs(decodeLogs(bytes))` gives the same telemetry back. What a record cannot hold is normalised; the README of `src/otlp` has
 * the list, with a test for each entry. A body that is absent is `undefined`, and one without a value is `null`. Records of one
 * `ResourceLogs` share one resource object, and records of one `ScopeLogs` share one scope object, so the encoder groups them again.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no record is lost. Fields that this version of OTLP does not know are skipped.
 *
 * **Bounded:** two bytes can become a record of 350, so the length of a message does not bound the memory that its records take.
 * `maxItems` and `maxDecodedBytes` do. Limit the length of the message itself before the call.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the message, the place and the reason (messages nested more than 100 deep are
 * refused): a receiver answers with 400. `MESSAGE_TOO_LARGE` with the option and its limit: a receiver answers with 413.
 * `INVALID_OPTION`. Nothing else.
 *
 * @example
 * ```ts
 * const records = decodeLogs(await readFile('logs.otlp'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function decodeLogs(bytes: Uint8Array, options: DecodeOptions = {}): ReadableLogRecord[] {
  return decodeRequest(bytes, limitsOf('decodeLogs', options), logsDecoding);
}
