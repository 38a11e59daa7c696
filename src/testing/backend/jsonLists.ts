/** The list at this key, or an empty one. */
export function listOf(owner: unknown, key: string): unknown[] {
  const list = fieldOf(owner, key);
  return Array.isArray(list) ? list : [];
}

/** The value at this key, if there is one. */
export function fieldOf(owner: unknown, key: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, key) : undefined;
}
