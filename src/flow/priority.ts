import { ignoreRejection } from '../internal/runGuarded.ts';
import { oneOf, type Rule } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';
import type { PriorityOverflow } from '../model/overflow.ts';

/** The most important items; 0 are the least important ones. The range is that of Java Message Service, which engineers know from message brokers; so is the default. */
export const MAX_PRIORITY = 9;
export const DEFAULT_PRIORITY = 4;

/** The options of a queue that can drop by priority. */
export interface PriorityOptions<T> {
  /**
   * How important an item is, with `overflow: 'dropLowestPriority'`, which needs it: a whole number from 0 (is dropped first) to 9 (is kept longest). It is called once for each item, when that enters the queue. If it throws or returns
   * anything else, that is reported, and the item has the priority 4.
   */
  priorityOf?: (item: T) => number;
}

export const aPriorityOverflow = oneOf('dropNewest', 'dropOldest', 'dropLowestPriority', 'error');

/** A function, which has to be there where items are dropped by what it says. */
export const aPriorityOf: Rule = (value, option, call) => {
  if (typeof value === 'function') return;
  if (value !== undefined) call.add(option, 'a function', value);
  else if (call.isSet('overflow', 'dropLowestPriority'))
    call.add(option, "a function, because overflow is 'dropLowestPriority'", value);
};

/** The options of a queue that can drop by priority. */
export interface PrioritySettings<T> {
  readonly overflow: PriorityOverflow;
  readonly priorityOf: ((item: T) => number) | undefined;
}

/** Whether a new item makes others leave. */
export function evicts(overflow: PriorityOverflow): boolean {
  return overflow === 'dropOldest' || overflow === 'dropLowestPriority';
}

/** The priority of an item, where it counts. If `priorityOf` throws or returns an invalid number, that is reported, and the item has the default priority. */
export function rank<T>(
  item: T,
  { overflow, priorityOf }: PrioritySettings<T>,
  reporter: { callbackFailed(thrown: unknown): void },
): number {
  if (overflow !== 'dropLowestPriority' || priorityOf === undefined) return DEFAULT_PRIORITY;
  try {
    const priority = priorityOf(item);
    if (Number.isInteger(priority) && priority >= 0 && priority <= MAX_PRIORITY) return priority;
    ignoreRejection(priority);
    const rule = `a whole number from 0 to ${MAX_PRIORITY}`;
    reporter.callbackFailed(new InvalidOptionError('what priorityOf returns', rule, priority));
  } catch (thrown) {
    reporter.callbackFailed(thrown);
  }
  return DEFAULT_PRIORITY;
}
