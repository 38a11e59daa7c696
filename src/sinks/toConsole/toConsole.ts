import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, of } from 'rxjs';
import { aFunction, settingsOf } from '../../internal/validation.ts';
import type { ObservableSink } from '../../model/sink.ts';
import { lineOf } from './lineOf.ts';

/** The options of {@link toConsole}. */
export interface ToConsoleOptions {
  /** Writes one line. Default `console.log`. */
  write?: (line: string) => void;
}

export const TO_CONSOLE_DEFAULTS: Readonly<Required<ToConsoleOptions>> = Object.freeze({
  write: (line: string) => console.log(line),
});

/**
 * Prints a line per item, for a look while developing: a span as its name, duration, status, ids and attributes, a log record as its time, severity, event name, body, ids and attributes (what it has of them),
 * a data point as the name of its metric, its type, value, unit and attributes, and anything else as Node shows it.
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

const MAX_LINE_LENGTH = 4_096;

/** Bounded whatever the item is, and free of what would break the line or steer the terminal. */
function oneLine(text: string): string {
  const line = text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text;
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
