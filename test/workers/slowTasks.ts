/** Tasks whose import is over when the first session has been closed. */
import { parentPort } from 'node:worker_threads';

let made = 0;

export const makeState = (): object => {
  made += 1;
  return {};
};

export const statesMade = (_: number): number => made;

await new Promise<void>((resolve) => {
  const listener = ({ kind }: { readonly kind: string }) => {
    if (kind !== 'close') return;
    parentPort?.off('message', listener);
    resolve();
  };
  parentPort?.on('message', listener);
  const channel = new BroadcastChannel('slowTasks');
  channel.unref();
  channel.postMessage('importing');
});
