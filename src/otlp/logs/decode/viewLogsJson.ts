import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { viewJsonRequest } from '../../decode/viewJsonRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { logsJson } from './decodeLogsJson.ts';
import { viewLogRecord } from './viewLogRecord.ts';

/** What `decodeLogsJson` reads, each item of which is read when it is asked for. */
export function viewLogsJson(json: string | Uint8Array, options: DecodeOptions = {}): ReadableLogRecord[] {
  return viewJsonRequest(json, limitsOf('viewLogsJson', options), logsJson, viewLogRecord);
}
