import { inspect, types } from 'node:util';

/** The length at which the text of a value is cut. */
const MAX_CHARACTERS = 160;

/** A duration or a frame in the marble grammar: `120ms`, `2s`, `1m`. */
export function durationText(duration: number): string {
  if (duration > 0 && duration % 60_000 === 0) return `${duration / 60_000}m`;
  if (duration > 0 && duration % 1_000 === 0) return `${duration / 1_000}s`;
  return `${duration}ms`;
}

/** Any value on one line, cut after 160 characters. */
export function valueText(value: unknown): string {
  if (isError(value)) return `${value.name}: ${value.message}`;
  const options = { depth: 2, breakLength: Number.POSITIVE_INFINITY, compact: true, maxArrayLength: 8 };
  // An error inside a value is printed with its stack: that is removed.
  const text = inspect(value, options)
    .replace(/(?:\n\s+at [^\n]*)+/g, '')
    .replace(/\s*\n\s*/g, ' ');
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

/** Whether a value is an error. Includes errors of another realm, as under Jest, and those of RxJS, which are not native errors. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
