/** How deep nested causes, and errors of several addresses, are searched. */
const MAX_DEPTH = 8;

/** Whether an error, or one of its causes, says that nothing listens at any of the addresses that were tried: a refused connection, or a Unix socket that is not there. */
export function isRefused(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false;
  const { code, syscall, errors, cause } = error as Record<'code' | 'syscall' | 'errors' | 'cause', unknown>;
  // An AggregateError has the code of its first error.
  if (Array.isArray(errors) && errors.length > 0) return errors.every((each) => isRefused(each, depth + 1));
  return code === 'ECONNREFUSED' || (code === 'ENOENT' && syscall === 'connect') || isRefused(cause, depth + 1);
}

/** Whether an error says that there was no connection, so that nothing was sent. */
export function isConnectError(error: unknown): boolean {
  const { code, syscall, errors } = (error ?? {}) as Record<'code' | 'syscall' | 'errors', unknown>;
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(isConnectError);
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
