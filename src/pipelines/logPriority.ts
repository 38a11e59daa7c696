import { DEFAULT_PRIORITY } from '../flow/priority.ts';
import type { ReadableLogRecord } from '../model/logRecord.ts';

/** Where each level of OpenTelemetry's `SeverityNumber` begins, from the highest on, and how far its records are above or below the default priority. */
const LEVELS = [
  { from: 17, above: 4 }, // ERROR and FATAL
  { from: 13, above: 2 }, // WARN
  { from: 9, above: 0 }, // INFO
  { from: 1, above: -2 }, // TRACE and DEBUG
] as const;

/** The default `priorityOf` of `logPipeline`: errors have the priority 8, warnings 6, information and records without a severity 4, what is below 2. */
export function logPriority({ severityNumber = 0 }: ReadableLogRecord): number {
  const level = LEVELS.find(({ from }) => severityNumber >= from);
  return DEFAULT_PRIORITY + (level?.above ?? 0);
}
