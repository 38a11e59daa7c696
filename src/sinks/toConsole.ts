import { inspect } from 'node:util';
import type { HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, of } from 'rxjs';
import { aFunction, settingsOf } from '../internal/validation.ts';
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
 * Prints a line per item: a span as its name, duration, status, ids and attributes, anything else as Node shows it. For a look while developing.
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
    write(oneLine(isSpan(item) ? spanLine(item) : shown(item)));
    return true;
  } catch {
    return false;
  }
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
