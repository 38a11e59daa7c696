/** What an error may show of a value that may be a secret: what it is, not what it says. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
