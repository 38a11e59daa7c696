/**
 * Reads a property in a `for in` loop. It is a function of its own because V8 14, where the loop has met one object with very many
 * properties, throws its optimized code away again and again if the property is read in the loop itself.
 */
export function propertyOf(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return object[key];
}
