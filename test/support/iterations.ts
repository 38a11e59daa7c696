import { onTestFinished } from 'vitest';

/**
 * Counts how often somebody begins to iterate over a map or a set of more than so many elements, until the test is over.
 * That is not O(1): to find the first element, an engine may have to pass over all that have been deleted before it.
 */
export function iterationsOver(atLeast: number): () => number {
  let count = 0;
  for (const prototype of [Map.prototype, Set.prototype]) {
    for (const name of ['keys', 'values', 'entries', 'forEach', Symbol.iterator] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
      const original = descriptor.value as (...parameters: readonly unknown[]) => unknown;
      const counting = function (this: { readonly size: number }, ...parameters: readonly unknown[]): unknown {
        if (this.size >= atLeast) count += 1;
        return Reflect.apply(original, this, parameters);
      };
      Object.defineProperty(prototype, name, { ...descriptor, value: counting });
      onTestFinished(() => void Object.defineProperty(prototype, name, descriptor));
    }
  }
  return () => count;
}
