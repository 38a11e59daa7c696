import type { Telemetry } from '../telemetry.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Sends what there is before a signal ends the process, and changes nothing else: where the program has no listener of its own, the process ends by the signal as it would have, after the shutdown and its deadline; the second signal ends it at once. Where the program
 * has one, the program says when it ends, and is not delayed.
 */
export function flushAtSignals(made: Pick<Telemetry, 'forceFlush' | 'shutdown'>): void {
  for (const signal of SIGNALS) process.once(signal, () => onSignal(signal, made));
}

function onSignal(signal: NodeJS.Signals, made: Pick<Telemetry, 'forceFlush' | 'shutdown'>): void {
  // `once` has taken our own listener away.
  const isOurs = process.listenerCount(signal) === 0;
  const work = isOurs ? made.shutdown() : made.forceFlush();
  work.catch(() => {}).finally(() => isOurs && process.kill(process.pid, signal));
}
