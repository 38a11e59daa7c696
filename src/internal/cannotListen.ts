import { SpanflowError } from '../model/errors.ts';

/**
 * A server of ours found no place to listen.
 *
 * @param what says which server cannot listen where: the beginning of the message
 * @param freePort how to get any free port, and where the caller learns which: the end of the hint for a port in use
 */
export function cannotListen(
  what: string,
  { cause, host, port }: { readonly cause: NodeJS.ErrnoException; readonly host: string; readonly port: number },
  freePort: string,
): SpanflowError {
  const said: Partial<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use: choose another one, or ${freePort}`,
    EACCES: `this user may not listen on port ${port}: choose one from 1024`,
    EADDRNOTAVAIL: `${host} is no address of this machine: leave host out for 127.0.0.1`,
  };
  const reason = said[cause.code ?? ''] ?? cause.message;
  return new SpanflowError('CANNOT_LISTEN', `${what}: ${reason}`, { cause });
}
