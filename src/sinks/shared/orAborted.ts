/**
 * Settles like the work, or rejects with the reason of the abort: a function of the user's may never settle, and the attempt ends nevertheless.
 *
 * @param onLate is given what the work resolves with after the abort
 */
export function orAborted<R>(work: Promise<R>, signal: AbortSignal, onLate?: (result: R) => void): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    work
      .then((result) => (signal.aborted ? onLate?.(result) : resolve(result)), reject)
      .finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}
