import cluster from 'node:cluster';
import { relay as makeRelay } from '../../relay/relay.ts';
import type { Command } from '../command.ts';
import { warningsOnTerminal } from '../warningsOnTerminal.ts';
import { RELAY_HELP, type RelayArguments, relayArguments } from './arguments.ts';
import { composeOf, configOf } from './configured.ts';
import { announce, farewell, isWhole } from './endings.ts';
import { followConfig } from './reloads.ts';
import { untilSignal } from './signals.ts';

/** `spanflow relay`. */
export const relay: Command = {
  help: RELAY_HELP,
  run: async (args) => {
    const given = relayArguments(args);
    warningsOnTerminal();
    if (cluster.isWorker) return (await import('./worker.ts')).runWorker(given);
    if (given.workers > 1) return (await import('./primary.ts')).runPrimary(given);
    return runHere(given);
  },
};

async function runHere(given: RelayArguments): Promise<number> {
  const signal = untilSignal(() => process.exit(1));
  const compose = await composeOf(given);
  const running = makeRelay(configOf(given), { onFailure: signal.fail, ...(compose && { compose }) });
  announce(await running.listen());
  const unfollow = followConfig(given, (read) => running.reload(read));
  const reason = await signal.reason;
  unfollow();
  const report = await running.shutdown();
  signal.leave();
  process.stdout.write(farewell(report));
  return reason === 'signal' && isWhole(report) ? 0 : 1;
}
