import { inspect } from 'node:util';
import type { HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, of } from 'rxjs';
import { aFunction, settingsOf } from '../internal/validation.ts';
import type { ReadableLogRecord } from '../model/logRecord.ts';
import type { ObservableSink } from '../model/sink.ts';

/** The options of {@link toConsole}. */
export interface ToConsoleOptions {
  /** Writes one line. Default `console.log`. */
  write?: (line: string) => void;
}

/** As OpenTelemetry numbers them. Its enum would load the whole API. */
const STATUS_NAMES: Readonly<Record<SpanStatusCode, string>> = { 0: 'unset', 1: 'ok', 2: 'error' };

export const TO_CONSOLE_DEFAULTS: Readonly<Required<ToConsoleOptions>> = Object.freeze({
  write: (line: string) => console.log(line),
});

/**
 * Prints a line per item, for a look while developing: a span as its name, duration, status, ids and attributes, a log record as its time, severity, event name, body, ids and attributes (what it has of them),
 * and anything else as Node shows it.
 *
 * **Loss**: an item that cannot be shown (a getter that throws) or written counts as `unencodable`.
 *
 * @throws InvalidOptionError when an option is unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: toConsole() });
 * ```
 */
export function toConsole<T = ReadableSpan>(options: ToConsoleOptions = {}): ObservableSink<T> {
  const { write } = settingsOf('toConsole', TO_CONSOLE_DEFAULTS, { write: aFunction }, options);
  return {
    name: 'toConsole',
    maxConcurrency: 1,
    export: (batch) =>
      defer(() => {
        let unencodable = 0;
        for (const item of batch.items) {
          if (!print(item, write)) unencodable += 1;
        }
        return of({ unencodable });
      }),
  };
}

function print(item: unknown, write: (line: string) => void): boolean {
  try {
    write(oneLine(lineOf(item)));
    return true;
  } catch {
    return false;
  }
}

function lineOf(item: unknown): string {
  if (isSpan(item)) return spanLine(item);
  return isLogRecord(item) ? logLine(item) : shown(item);
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

function shown(value: unknown): string {
  const limits = { depth: 3, maxArrayLength: 20, maxStringLength: 200 };
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, ...limits });
}

const MAX_LINE_LENGTH = 4_096;

/** Bounded whatever the item is, and free of what would break the line or steer the terminal. */
function oneLine(text: string): string {
  const line = text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text;
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
