/** Runs in the thread of a store. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StorePlan, ToStore } from '../protocol.ts';
import { systemFiles } from './files.ts';
import { StoreServer } from './server.ts';

const port = parentPort as NonNullable<typeof parentPort>;

const server = new StoreServer({
  plan: workerData as StorePlan,
  files: systemFiles,
  send: (message, transfer = []) => port.postMessage(message, transfer),
  later: (millis, work) => {
    if (millis === 0) setImmediate(work);
    else setTimeout(work, millis);
  },
});

port.on('message', (message: ToStore) => server.receive(message));
