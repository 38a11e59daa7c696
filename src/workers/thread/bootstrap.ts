/** Runs in each thread of a pool: loads the modules of tasks, keeps their states, and answers each job once. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import type { FromThread, SentTask, ThreadData, ToThread } from '../protocol.ts';

type Exported = (...args: readonly unknown[]) => unknown;
type Job = Extract<ToThread, { task: SentTask }>;

interface Running {
  readonly session: number;
  readonly abort: AbortController;
  isClosed: boolean; // its session, meanwhile
}

const { worker, isBackground } = workerData as ThreadData;
const port = parentPort as NonNullable<typeof parentPort>;
const states = new Map<number, Promise<unknown>>(); // by session
const running = new Map<number, Running>(); // by job

port.on('message', (message: ToThread) => {
  if (message.kind === 'abort') running.get(message.job)?.abort.abort();
  else if (message.kind === 'close') close(message.session);
  else run(message);
});
if (isBackground) yieldToTheProgram();

function close(session: number): void {
  states.delete(session);
  for (const job of running.values()) if (job.session === session) job.isClosed = true;
}

async function run(message: Job): Promise<void> {
  const { job, session } = message;
  const abort = new AbortController();
  const present: Running = { session, abort, isClosed: false };
  running.set(job, present);
  let state: unknown;
  try {
    const exports = (await import(message.task.module)) as Readonly<Record<string, unknown>>;
    // Nobody would let go of a state that is made now.
    if (present.isClosed) throw new Error('its session was closed before it began');
    state = await stateFor(message, exports);
    const context = { state, signal: abort.signal, worker };
    if (message.kind === 'finish') states.delete(session);
    const value = await (message.kind === 'run'
      ? exported(exports, message.task, message.task.export)(message.chunk, context)
      : exported(exports, message.task, message.task.finish ?? '')(state, context));
    const isMoved = message.kind === 'finish' || message.transfer;
    answer({ kind: 'done', job, value, pendingItems: message.kind === 'finish' ? 0 : pendingIn(state) }, isMoved);
  } catch (error) {
    fail(job, error, pendingIn(state));
  } finally {
    running.delete(job);
  }
}

/** The state of this session; it is made once. */
function stateFor({ session, task }: Job, exports: Readonly<Record<string, unknown>>): Promise<unknown> | undefined {
  if (task.state === undefined) return undefined;
  let state = states.get(session);
  if (state === undefined) {
    const make = exported(exports, task, task.state);
    state = Promise.resolve(make({ worker }));
    states.set(session, state);
    // One that could not be made is tried again with the next chunk.
    state.catch(() => states.delete(session));
  }
  return state;
}

function exported(exports: Readonly<Record<string, unknown>>, task: SentTask, name: string): Exported {
  // CommonJS may have its exports in `default` only.
  const value = exports[name] ?? (exports.default as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (typeof value === 'function') return value as Exported;
  throw new TypeError(
    `${task.module} exports no function '${name}'; its exports are ${Object.keys(exports).join(', ')}`,
  );
}

function pendingIn(state: unknown): number {
  const pending = (state as { readonly pendingItems?: unknown } | undefined)?.pendingItems;
  return Number.isSafeInteger(pending) && (pending as number) > 0 ? (pending as number) : 0;
}

function answer(message: Extract<FromThread, { kind: 'done' }>, isMoved: boolean): void {
  const { value, transfer } = isMoved ? packed(message.value) : { value: message.value, transfer: [] };
  try {
    port.postMessage({ ...message, value }, transfer);
  } catch (error) {
    fail(message.job, new NotCloneableError('the result', message.value, error), message.pendingItems);
  }
}

function fail(job: number, error: unknown, pendingItems: number): void {
  const message: FromThread = { kind: 'failed', job, error, pendingItems };
  try {
    port.postMessage(message);
  } catch {
    // What was thrown cannot be sent.
    port.postMessage({ ...message, error: new Error(error instanceof Error ? error.message : String(error)) });
  }
}

/** On Linux a priority is that of a thread; elsewhere it would be that of the whole program. */
function yieldToTheProgram(): void {
  try {
    if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {}
}
