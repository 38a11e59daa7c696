/** Replaces a property of a host object. Returns the function that restores it. */
export function replaceProperty(owner: object, name: string, replacement: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(owner, name);
  const enumerable = original?.enumerable ?? false;
  Object.defineProperty(owner, name, { value: replacement, configurable: true, writable: true, enumerable });
  return () => {
    if (original === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, original);
  };
}
