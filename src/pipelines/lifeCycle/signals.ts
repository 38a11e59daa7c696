import type { ShutdownSignal } from './options.ts';

type Work = () => Promise<unknown>;

/** What is to be shut down, by signal. One listener for all pipelines: Node warns of more than ten. */
const shutdowns = new Map<ShutdownSignal, Set<Work>>();

/**
 * Shuts down at the first of these signals, and then raises it again, so that the process dies of it as it would have without a listener. A second signal meanwhile ends it at once: the listeners are gone. Where the program listens to the signal itself, it decides when the process
 * ends, and the signal is not raised again.
 *
 * @param shutdown never rejects, and ends within its deadline
 * @returns ends that
 */
export function shutdownOnSignals(signals: readonly ShutdownSignal[], shutdown: Work): () => void {
  // A page of a browser gets no signals.
  if (globalThis.process?.on === undefined) return () => {};
  for (const signal of signals) join(signal, shutdown);
  return () => {
    for (const signal of signals) leave(signal, shutdown);
  };
}

function join(signal: ShutdownSignal, shutdown: Work): void {
  const joined = shutdowns.get(signal) ?? new Set();
  // In front of the program's own listeners: one for a single time is gone from the list when its turn is over.
  if (joined.size === 0) process.prependListener(signal, onSignal);
  shutdowns.set(signal, joined.add(shutdown));
}

function leave(signal: ShutdownSignal, shutdown: Work): void {
  if (shutdowns.get(signal)?.delete(shutdown) && shutdowns.get(signal)?.size === 0) process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  const all = [...(shutdowns.get(signal as ShutdownSignal) ?? [])];
  const isOurs = process.listeners(signal).every((listener) => listener === onSignal);
  for (const each of shutdowns.keys()) process.off(each, onSignal);
  shutdowns.clear();
  const ended = Promise.all(all.map((shutdown) => shutdown()));
  if (isOurs) void ended.then(() => process.kill(process.pid, signal));
}
