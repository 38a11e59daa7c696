import { isError } from '../failures/text.ts';
import { batchItems } from '../marbles/batchItems.ts';
import { isSameValue } from '../marbles/difference.ts';
import type { ObservedEvent } from '../marbles/recording.ts';
import type { Mark } from '../marbles/syntax.ts';
import type { ValueTable } from '../marbles/values.ts';

/** The marks of a drawing and the events of a recording, to be compared. */
export interface Comparison {
  readonly expected: readonly Mark[];
  readonly observed: readonly ObservedEvent[];
  readonly values: ValueTable;
  /** The expected error; any if it is left out. Of a plain object only its own keys are compared. */
  readonly error?: { readonly value: unknown };
}

/** The first index at which marks and events differ; `undefined` if they are the same. */
export function firstDifference(comparison: Comparison): number | undefined {
  const { expected, observed } = comparison;
  for (let index = 0; index < Math.max(expected.length, observed.length); index++) {
    const [mark, event] = [expected[index], observed[index]];
    if (mark === undefined || event === undefined) return index;
    if (mark.frame !== event.frame || !isDrawnBy(mark, event, comparison)) return index;
  }
  return undefined;
}

/** Whether a mark draws this event. Frames are not compared. */
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
