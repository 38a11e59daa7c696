/** Causes inside causes, and errors of several addresses: more than this is not looked at. */
const MAX_DEPTH = 8;

/** Whether an error, or one that caused it, says that nothing listens at any of the addresses that were tried. */
export function isRefused(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false;
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown; cause?: unknown };
  // The code of several errors is that of the first.
  if (Array.isArray(errors) && errors.length > 0) return errors.every((each) => isRefused(each, depth + 1));
  return code === 'ECONNREFUSED' || isRefused(cause, depth + 1);
}
