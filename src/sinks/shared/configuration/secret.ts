import type { Rule } from '../../../internal/validation.ts';

/** What an error may show of a value that may be a secret: its type. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** A rule whose error shows of the value no more than that. */
export function mustSecretly(text: string, holds: (value: unknown) => boolean): Rule {
  return (value, option, call) => {
    if (!holds(value)) call.add(option, text, kindOf(value));
  };
}
