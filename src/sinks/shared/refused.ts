/** How deep nested causes, and errors of several addresses, are searched. */
const MAX_DEPTH = 8;

/** Whether an error, or one of its causes, says that nothing listens at any of the addresses that were tried. */
export function isRefused(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false;
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown; cause?: unknown };
  // An AggregateError has the code of its first error.
  if (Array.isArray(errors) && errors.length > 0) return errors.every((each) => isRefused(each, depth + 1));
  return code === 'ECONNREFUSED' || isRefused(cause, depth + 1);
}
