import { onTestFinished } from 'vitest';
import { overGrpc } from '../backends/overGrpc.ts';
import { overHttp } from '../backends/overHttp.ts';
import { restarted, well } from '../backends/well.ts';
import { type Row, WAITS } from '../row.ts';

/** What happens to a process: the backend's, or that of the client. */
export const PROCESSES: readonly Row[] = [
  {
    name: 'the backend is restarted every second',
    ends: ['delivered'],
    // As many attempts as it takes.
    client: { overMillis: 1_200, attempts: 100_000 },
    http: restarted('http', onTestFinished),
    grpc: restarted('grpc', onTestFinished),
  },
  {
    name: 'the clock jumps ahead and back by ten minutes, and the backend is well',
    ends: ['delivered'],
    client: { meets: 'clockJumps' },
    http: well('http'),
    grpc: well('grpc'),
  },
  {
    name: 'the clock jumps in the same way, and the backend never answers',
    ends: ['unconfirmed', 'retriesExhausted'],
    client: { ...WAITS, meets: 'clockJumps' },
    http: overHttp({ keeps: true }),
    grpc: overGrpc({ keeps: true }),
  },
  {
    name: 'the event loop of the client is blocked for five seconds',
    ends: ['delivered'],
    // Shorter than that, so that what was under way has timed out.
    client: { meets: 'blockedLoop', attemptMillis: 1_000, attempts: 100_000 },
    http: well('http'),
    grpc: well('grpc'),
  },
];
