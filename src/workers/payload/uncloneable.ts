/** The first part of a value that structured cloning refuses. */
export interface UncloneablePart {
  /** Where it is: `.rules[0].test`. */
  readonly path: string;
  /** `a function`, for example. */
  readonly kind: string;
}

const REFUSED: readonly (readonly [(value: unknown) => boolean, string])[] = [
  [(value) => typeof value === 'function', 'a function'],
  [(value) => typeof value === 'symbol', 'a symbol'],
  [(value) => value instanceof Promise, 'a promise'],
  [(value) => value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef, 'a weak reference'],
];

/** Looks for what was refused, to name it in the error. `undefined`: it is something else, a proxy or a getter that throws for example. */
export function uncloneablePartOf(root: unknown): UncloneablePart | undefined {
  const seen = new Set<unknown>();
  const open: { readonly value: unknown; readonly path: string }[] = [{ value: root, path: '' }];
  try {
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { value, path } = next;
      const kind = REFUSED.find(([is]) => is(value))?.[1];
      if (kind !== undefined) return { path, kind };
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue;
      seen.add(value);
      open.push(...partsOf(value, path).reverse());
    }
  } catch {}
  return undefined;
}

function partsOf(value: object, path: string): { readonly value: unknown; readonly path: string }[] {
  if (value instanceof Map)
    return [...value].flatMap((pair) => pair.map((part) => ({ value: part, path: `${path}<entry>` })));
  if (value instanceof Set) return [...value].map((part) => ({ value: part, path: `${path}<member>` }));
  if (Array.isArray(value)) return value.map((part, index) => ({ value: part, path: `${path}[${index}]` }));
  return Object.entries(value).map(([key, part]) => ({ value: part, path: `${path}.${key}` }));
}
