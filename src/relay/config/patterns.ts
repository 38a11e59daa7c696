import type { Checking } from './checking.ts';

/** `/source/flags`, as JavaScript writes it. */
const LITERAL = /^\/(.+)\/([dgimsuvy]*)$/s;

/** A regular expression that was given, or the one that a text stands for: the source alone, or between slashes with flags behind. */
export function patternOf(value: unknown, path: string, checking: Checking): unknown {
  if (typeof value !== 'string') return value;
  const [, source = value, flags = ''] = LITERAL.exec(value) ?? [];
  try {
    return new RegExp(source, flags);
  } catch {
    checking.add(path, 'a regular expression', value);
    return undefined;
  }
}

/** Of texts and regular expressions: a text between slashes stands for a regular expression, any other one for itself. */
export function keyOrPattern(value: unknown, path: string, checking: Checking): unknown {
  return typeof value === 'string' && LITERAL.test(value) ? patternOf(value, path, checking) : value;
}

/** Each of an array; anything else as it is, for whoever checks it. */
export function each(values: unknown, path: string, change: (value: unknown, path: string) => unknown): unknown {
  return Array.isArray(values) ? values.map((value, index) => change(value, `${path}[${index}]`)) : values;
}
