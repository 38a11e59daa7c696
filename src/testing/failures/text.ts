import { inspect, types } from 'node:util';

/** How much of a value is shown. */
const MAX_CHARACTERS = 160;

/** A duration or a frame as the grammar of marbles writes it: `120ms`, `2s`, `1m`. */
export function durationText(duration: number): string {
  if (duration > 0 && duration % 60_000 === 0) return `${duration / 60_000}m`;
  if (duration > 0 && duration % 1_000 === 0) return `${duration / 1_000}s`;
  return `${duration}ms`;
}

/** Any value on one line, cut where it gets long. */
export function valueText(value: unknown): string {
  if (isError(value)) return `${value.name}: ${value.message}`;
  const options = { depth: 2, breakLength: Number.POSITIVE_INFINITY, compact: true, maxArrayLength: 8 };
  // An error in a value brings its stack.
  const text = inspect(value, options)
    .replace(/(?:\n\s+at [^\n]*)+/g, '')
    .replace(/\s*\n\s*/g, ' ');
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

/** Errors of another realm count, as under Jest, and those of RxJS, which are none to the engine. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
