/**
 * Reads a property in a `for in` loop. It is a function of its own because V8 14, where the loop has met one object with very many
 * properties, throws its optimized code away again and again if the property is read in the loop itself.
 */
export function propertyOf(object: object, key: string): unknown {
  return (object as Readonly<Record<string, unknown>>)[key];
}

const has = Object.prototype.hasOwnProperty;

/** Whether a `for in` loop shows a property of the object itself: for most objects the engine knows it without looking. */
export function isOwn(object: object, key: string): boolean {
  return has.call(object, key);
}
