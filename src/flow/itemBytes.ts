import type { ReadableLogRecord } from '../model/logRecord.ts';
import type { MetricDataPoint } from '../model/metricDataPoint.ts';
import { receivedBytes } from '../model/received.ts';
import { dataPointBytes } from './sizes/dataPointBytes.ts';
import { logRecordBytes } from './sizes/logRecordBytes.ts';
import { type SpanLike, spanBytes } from './sizes/spanBytes.ts';

/** The bytes of an item whose size cannot be read. */
export const UNREADABLE_ITEM_BYTES = 512;

type Telemetry = Partial<SpanLike & ReadableLogRecord & MetricDataPoint>;

/**
 * Estimates how many bytes an item takes on the wire, where nobody has said what the items are: spans, log records and data points by their strings, strings and bytes by their length, numbers as 8. Any other
 * object counts as 0 bytes, so that only the number of items limits it; give `sizeOf` for a better estimate.
 *
 * Characters count as one byte each: text outside ASCII is underestimated by up to a factor of three.
 */
export function estimateItemBytes(item: unknown): number {
  if (typeof item === 'string') return item.length;
  if (typeof item === 'number') return 8;
  if (typeof item !== 'object' || item === null) return 0;
  if (ArrayBuffer.isView(item)) return item.byteLength;
  // First of all: asking a received item for its events would read them.
  const bytesOnTheWire = receivedBytes(item);
  if (bytesOnTheWire !== undefined) return bytesOnTheWire;
  const telemetry = item as Telemetry;
  if (Array.isArray(telemetry.events) && Array.isArray(telemetry.links)) return spanBytes(item as SpanLike);
  if (telemetry.hrTimeObserved !== undefined) return logRecordBytes(item as ReadableLogRecord);
  if (telemetry.metric !== undefined && telemetry.point !== undefined) return dataPointBytes(item as MetricDataPoint);
  return 0;
}

/** The same, or `instead` where reading the item throws. */
export function estimateOr(item: unknown, instead: number): number {
  try {
    return estimateItemBytes(item);
  } catch {
    return instead;
  }
}

const OWN_ESTIMATES: ReadonlySet<unknown> = new Set([estimateItemBytes, spanBytes, logRecordBytes, dataPointBytes]);

/** Whether it is one of ours: where that throws, the item is to blame, and no callback of the user's. */
export function isOwnEstimate(sizeOf: unknown): boolean {
  return OWN_ESTIMATES.has(sizeOf);
}
