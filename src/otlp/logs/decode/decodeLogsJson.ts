import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { decodeJsonRequest, type SignalJson } from '../../decode/decodeJsonRequest.ts';
import { logsRequestJson } from '../../json/read/jsonSchema.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { logsDecoding } from './decodeLogs.ts';
import { LOG_COSTS } from './readLogRecord.ts';

export const logsJson: SignalJson<ReadableLogRecord> = {
  message: logsRequestJson,
  costs: LOG_COSTS,
  decoding: logsDecoding,
};

/**
 * The records of an OTLP logs export request in JSON, as `decodeLogs` returns them.
 *
 * It reads OTLP/JSON, and what proto3 JSON allows besides, as `decodeTracesJson` does: integers as numbers or strings, the severity as a
 * number or by its name (`SEVERITY_NUMBER_INFO`), base64 in both alphabets, `null` for an absent field. Unknown fields are ignored.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no record is lost.
 *
 * **Bounded:** as `decodeLogs` is. `maxDecodedBytes` also bounds the heap that the parsed text takes, separately from the records.
 *
 * @param json the text, or its bytes in UTF-8
 *
 * @throws SpanflowError as `decodeLogs` does.
 *
 * @example
 * ```ts
 * const { decodeLogsJson } = await import('spanflow/otlp');
 * const records = decodeLogsJson(await readFile('logs.json', 'utf8'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function decodeLogsJson(json: string | Uint8Array, options: DecodeOptions = {}): ReadableLogRecord[] {
  return decodeJsonRequest(json, limitsOf('decodeLogsJson', options), logsJson);
}
