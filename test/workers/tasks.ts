/** Tasks for the tests of workers. */
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, threadId } from 'node:worker_threads';
import type { TaskContext } from '../../src/workers/index.ts';

export const double = (value: number): number => value * 2;

export const where = (
  _: number,
  { worker }: TaskContext,
): { worker: number; threadId: number; isMainThread: boolean } => ({
  worker,
  threadId,
  isMainThread,
});

/** Fills the bytes, and gives the very buffer back. */
export const fill = (bytes: Uint8Array): Uint8Array => bytes.fill(7);

export const sumOf = ({ parts }: { readonly parts: readonly Uint8Array[] }): number =>
  parts.reduce((sum, part) => sum + part.reduce((all, byte) => all + byte, 0), 0);

/** Talks to the program by itself, in none of the pool's words. */
export const chatty = (value: number): number => {
  for (const words of [null, undefined, 'done', { kind: null }, { kind: 'gossip' }]) parentPort?.postMessage(words);
  return value;
};

export const talkative = (length: number): never => {
  throw new RangeError('x'.repeat(length));
};

/** What a chunk of the tests of crashes asks for. */
export type Deed = 'work' | 'throw' | 'reject' | 'exit' | 'uncaught' | 'unhandled' | 'outOfMemory' | 'function';

export async function doing(deed: Deed): Promise<unknown> {
  if (deed === 'throw') throw new RangeError('thrown by the task');
  if (deed === 'reject') await Promise.reject(new Error('rejected by the task'));
  if (deed === 'exit') process.exit(3);
  if (deed === 'uncaught') {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    await delay(60_000);
  }
  if (deed === 'unhandled') {
    void Promise.reject(new Error('nobody handles this'));
    await delay(60_000);
  }
  if (deed === 'outOfMemory') hoard();
  if (deed === 'function') return () => {};
  return deed;
}

function hoard(): never {
  const hoarded: unknown[] = [];
  for (;;) hoarded.push(new Array(10_000).fill({}).map(() => ({ some: 'thing' })));
}

/** Ends when it is aborted, and tells so to whoever looks at the shared memory. */
export async function untilAborted(told: Int32Array<SharedArrayBuffer>, { signal }: TaskContext): Promise<number> {
  Atomics.store(told, 0, 1);
  Atomics.notify(told, 0);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  Atomics.store(told, 1, 1);
  Atomics.notify(told, 1);
  return 0;
}

/** Hears nothing. */
export function loop(told: Int32Array<SharedArrayBuffer>): never {
  Atomics.store(told, 0, 1);
  Atomics.notify(told, 0);
  for (;;);
}

/** Waits until the shared memory says so, and answers. */
export function waitFor({ told, answer }: { told: Int32Array<SharedArrayBuffer>; answer: string }): string {
  Atomics.wait(told, 0, 0);
  return answer;
}

export interface Counts {
  readonly worker: number;
  pendingItems: number;
  readonly byKey: Map<string, number>;
}

export const newCounts = ({ worker }: { readonly worker: number }): Counts => ({
  worker,
  pendingItems: 0,
  byKey: new Map(),
});

/** Counts keys in its state; a key `exit` ends the thread. */
export function count(key: string, { state }: TaskContext<Counts>): number {
  if (key === 'exit') process.exit(1);
  state.byKey.set(key, (state.byKey.get(key) ?? 0) + 1);
  state.pendingItems += 1;
  return state.byKey.get(key) as number;
}

export const counted = (state: Counts): Record<string, number> => Object.fromEntries(state.byKey);

export const failing = (): never => {
  throw new Error('no end');
};
