import { messageOf } from '../../model/errors.ts';
import type { Relay } from '../../relay/api.ts';
import { relay } from '../../relay/relay.ts';
import { isMistake } from '../command.ts';
import type { RelayArguments } from './arguments.ts';
import { composeOf } from './configured.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { say } from './say.ts';

/** Runs one of several processes. It ignores SIGINT, SIGTERM and SIGHUP: the primary process handles them, and sends it messages. */
export async function runWorker(given: RelayArguments): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const compose = await composeOf(given);
  const { promise: code, resolve: end } = Promise.withResolvers<number>();
  let running: Relay | undefined;
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      // Of an end that nobody asked for, the primary process hears by the end of this one, and starts another.
      running = relay(message.config, { onFailure: () => process.exit(1), ...(compose && { compose }) });
      running.listen().then(
        (address) => tell({ kind: 'ready', address }),
        (thrown) => tell({ kind: 'failed', message: messageOf(thrown), isMistake: isMistake(thrown) }),
      );
    } else if (message.kind === 'reload') reload(running, message.config);
    else if (message.kind === 'stats' && running !== undefined)
      tell({ kind: 'stats', id: message.id, stats: running.stats() });
    else if (message.kind === 'shutdown') void shutDown(running).then(end);
  });
  tell({ kind: 'loaded' });
  return code;
}

/** The primary process has checked it, and tells of it. */
function reload(running: Relay | undefined, config: Parameters<Relay['reload']>[0]): void {
  try {
    running?.reload(config);
  } catch (thrown) {
    say(`worker ${process.pid} goes on as before: ${messageOf(thrown)}`);
  }
}

async function shutDown(running: Relay | undefined): Promise<number> {
  const report = (await running?.shutdown()) ?? { isDrained: true, delivered: 0, lost: 0, losses: {} };
  await new Promise<void>((resolve) =>
    process.send?.({ kind: 'drained', report } satisfies FromWorker, () => resolve()),
  );
  process.disconnect?.();
  return 0;
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
