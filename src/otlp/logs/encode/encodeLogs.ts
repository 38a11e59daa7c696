import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { EncodeOptions, OwnBytes } from '../../encode/encodeOptions.ts';
import { LOGS, oneGo } from './logSignal.ts';

/**
 * Log records as the body of an OTLP logs export request (protobuf).
 *
 * The body and the attributes of a record may be any values: strings, numbers, booleans, bytes, `null`, arrays and maps, in each other.
 * All go out exactly, as `encodeTraces` has it for spans. A body of `undefined` is absent, and one of `null` is an empty value. What OTLP
 * has no form for (a function, a symbol, a `Date`) is left out, with the whole attribute or body that contains it, and counted in
 * `dropped_attributes_count`. A record is unencodable where OTLP cannot express it: circular or too deeply nested values, ids that are
 * neither empty nor hex of the right length, times that are not finite or lie before 1970, more than 262,144 values or 64 Mi characters
 * in one record, a getter that throws, a resource or scope for which any of this holds.
 *
 * **Order:** resources and scopes (each by identity) in the order of their first record; records in their own order inside.
 *
 * **Loss:** none without {@link EncodeOptions.onUnencodable}; with it, exactly the records that it is called with.
 *
 * @throws SpanflowError `UNENCODABLE`, naming the record and the reason, and, callback or not, where the request as a whole does not
 * fit into memory; `INVALID_OPTION` for arguments of the wrong kind.
 *
 * @example
 * ```ts
 * const body = encodeLogs(records, { onUnencodable: (record, error) => console.warn(error.message) });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function encodeLogs(
  records: readonly ReadableLogRecord[],
  options?: EncodeOptions<ReadableLogRecord>,
): OwnBytes {
  checkArguments('encodeLogs', LOGS.noun, records, options);
  return oneGo.protobuf(records, options?.onUnencodable);
}
