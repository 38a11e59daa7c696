import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { EncodeOptions, OwnBytes } from '../../encode/encodeOptions.ts';
import { LOGS, oneGo } from './logSignal.ts';

/**
 * Log records as the body of an OTLP logs export request in JSON, in UTF-8.
 *
 * It holds what {@link encodeLogs} writes, in the form that `encodeTracesJson` describes: 64-bit integers as strings, ids in hex, the
 * severity as a number, bytes in base64; what is 0 or empty is absent, and a body of `null` is `{}`.
 *
 * **Order:** as in {@link encodeLogs}.
 *
 * **Loss:** as in {@link encodeLogs}.
 *
 * @throws SpanflowError as {@link encodeLogs} does.
 *
 * @example
 * ```ts
 * const { encodeLogsJson } = await import('spanflow/otlp');
 * const body = encodeLogsJson(records);
 * const text = new TextDecoder().decode(body);
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeLogsJson(
  records: readonly ReadableLogRecord[],
  options?: EncodeOptions<ReadableLogRecord>,
): OwnBytes {
  checkArguments('encodeLogsJson', LOGS.noun, records, options);
  return oneGo.json(records, options?.onUnencodable);
}
