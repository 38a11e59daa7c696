import { isError } from '../failures/text.ts';
import { batchItems } from '../marbles/batchItems.ts';
import { isSameValue } from '../marbles/difference.ts';
import type { ObservedEvent } from '../marbles/recording.ts';
import type { Mark } from '../marbles/syntax.ts';
import type { ValueTable } from '../marbles/values.ts';

/** What an expectation compares. */
export interface Comparison {
  readonly expected: readonly Mark[];
  readonly observed: readonly ObservedEvent[];
  readonly values: ValueTable;
  /** What the error must be, if the test says so. A plain object is compared with just its own keys. */
  readonly error?: { readonly value: unknown };
}

/** The first index at which the two differ, or `undefined` if they are the same. */
export function firstDifference(comparison: Comparison): number | undefined {
  const { expected, observed } = comparison;
  for (let index = 0; index < Math.max(expected.length, observed.length); index++) {
    const [mark, event] = [expected[index], observed[index]];
    if (mark === undefined || event === undefined) return index;
    if (mark.frame !== event.frame || !isDrawnBy(mark, event, comparison)) return index;
  }
  return undefined;
}

/** Whether an event is what a mark draws, at whatever frame. */
export function isDrawnBy(mark: Mark, event: ObservedEvent, { values, error }: Comparison): boolean {
  if (mark.kind === 'next') return event.kind === 'next' && values.matches(mark.letter, event.value);
  if (mark.kind === 'batch') return event.kind === 'next' && isSameBatch(mark.letters, event.value, values);
  if (mark.kind === 'complete') return event.kind === 'complete';
  return event.kind === 'error' && (error === undefined || isSameError(error.value, event.error));
}

function isSameBatch(letters: readonly string[], value: unknown, values: ValueTable): boolean {
  const items = batchItems(value);
  return items?.length === letters.length && letters.every((letter, index) => values.matches(letter, items[index]));
}

function isSameError(expected: unknown, error: unknown): boolean {
  if (isSameValue(expected, error)) return true;
  if (typeof expected !== 'object' || expected === null || isError(expected)) return false;
  if (typeof error !== 'object' || error === null) return false;
  return Object.entries(expected).every(([key, value]) => isSameValue(value, Reflect.get(error, key)));
}
