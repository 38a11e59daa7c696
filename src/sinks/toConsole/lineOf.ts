import { inspect } from 'node:util';
import type { HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ReadableLogRecord } from '../../model/logRecord.ts';
import type { DataPoint, DataPointType, Histogram, MetricDataPoint, Summary } from '../../model/metricDataPoint.ts';

/** As OpenTelemetry numbers them. Its enum would load the whole API. */
const STATUS_NAMES: Readonly<Record<SpanStatusCode, string>> = { 0: 'unset', 1: 'ok', 2: 'error' };

const POINT_TYPES: Readonly<Record<DataPointType, string>> = {
  0: 'histogram',
  1: 'exponential histogram',
  2: 'gauge',
  3: 'sum',
  4: 'summary',
};

/** An item in words: it may have several lines, and any length. */
export function lineOf(item: unknown): string {
  if (isSpan(item)) return spanLine(item);
  if (isLogRecord(item)) return logLine(item);
  return isDataPoint(item) ? pointLine(item) : shown(item);
}

function spanLine(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  const status = STATUS_NAMES[span.status.code];
  const [seconds, nanos]: HrTime = span.duration;
  const millis = seconds * 1e3 + nanos / 1e6;
  return `${span.name}  ${millis.toFixed(1)} ms  ${status}  ${traceId}/${spanId}  ${shown(span.attributes)}`;
}

function isSpan(item: unknown): item is ReadableSpan {
  return typeof (item as ReadableSpan | null)?.spanContext === 'function';
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

function logLine(record: ReadableLogRecord): string {
  const { hrTime, hrTimeObserved, eventName, body, spanContext, attributes } = record;
  // 0: when it happened is not known.
  const [seconds, nanos] = hrTime[0] === 0 && hrTime[1] === 0 ? hrTimeObserved : hrTime;
  const parts = [
    new Date(seconds * 1e3 + Math.floor(nanos / 1e6)).toISOString(),
    severityOf(record),
    eventName,
    typeof body === 'string' || body === undefined ? body : shown(body),
    spanContext && `${spanContext.traceId}/${spanContext.spanId}`,
    shown(attributes),
  ];
  return parts.filter(Boolean).join('  ');
}

/** The numbers 1 to 24 are four steps of each level: `INFO`, `INFO2` and so on. */
function severityOf({ severityText, severityNumber = 0 }: ReadableLogRecord): string {
  if (severityText) return severityText;
  const level = LEVELS[Math.floor((severityNumber - 1) / 4)];
  if (level === undefined) return severityNumber === 0 ? '' : `severity ${severityNumber}`;
  const step = ((severityNumber - 1) % 4) + 1;
  return step === 1 ? level : `${level}${step}`;
}

function isLogRecord(item: unknown): item is ReadableLogRecord {
  return Array.isArray((item as ReadableLogRecord | null)?.hrTimeObserved);
}

function pointLine({ metric, point }: MetricDataPoint): string {
  const { name, unit } = metric.descriptor;
  const parts = [name, POINT_TYPES[metric.dataPointType], valueText(point), unit, shown(point.attributes)];
  return parts.filter(Boolean).join('  ');
}

function valueText({ value, noRecordedValue }: DataPoint): string {
  if (typeof value !== 'object') return noRecordedValue ? 'no recorded value' : String(value);
  const { count, sum, min, max, quantileValues = [] } = value as Partial<Histogram & Summary>;
  const parts = Object.entries({ count, sum, min, max }).filter(([, part]) => part !== undefined);
  const quantiles = quantileValues.map(({ quantile, value: at }) => [`p${quantile * 100}`, at]);
  return [...parts, ...quantiles].map(([what, part]) => `${what} ${part}`).join(', ');
}

function isDataPoint(item: unknown): item is MetricDataPoint {
  const { metric, point } = (item ?? {}) as Partial<MetricDataPoint>;
  return typeof metric?.descriptor === 'object' && typeof point?.attributes === 'object';
}

function shown(value: unknown): string {
  const limits = { depth: 3, maxArrayLength: 20, maxStringLength: 200 };
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, ...limits });
}
