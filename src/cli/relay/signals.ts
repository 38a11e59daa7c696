/** Waits for the end of a command. */
export interface SignalWait {
  /** Resolves at the first signal, or when something has failed. */
  readonly reason: Promise<'signal' | 'failure'>;
  readonly fail: () => void;
  readonly leave: () => void;
}

/** @param onSecond called at the second signal: what drains is not waited for */
export function untilSignal(onSecond: () => void): SignalWait {
  const { promise: reason, resolve } = Promise.withResolvers<'signal' | 'failure'>();
  let hasCome = false;
  const listen = () => {
    if (hasCome) onSecond();
    hasCome = true;
    resolve('signal');
  };
  process.on('SIGINT', listen).on('SIGTERM', listen);
  const leave = () => void process.off('SIGINT', listen).off('SIGTERM', listen);
  return { reason, fail: () => resolve('failure'), leave };
}
