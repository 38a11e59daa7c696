/** Runs in each thread of a pool: loads the modules of tasks, keeps their states, and answers each job once. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { OpenOperator, OperatorTask } from '../operatorTask/options.ts';
import type { SentTask, StateBooks, ThreadData, ToThread } from '../protocol.ts';
import { postDone, postError, postFailed, postFlushed, postOutput } from './posting.ts';

type Exported = (...args: readonly unknown[]) => unknown;
type Exports = Readonly<Record<string, unknown>>;
type Job = Extract<ToThread, { task: SentTask }>;
type Operator = OpenOperator<unknown, unknown>;

interface Running {
  readonly session: number;
  readonly abort: AbortController;
  isClosed: boolean; // its session, meanwhile
}

const { worker, isBackground } = workerData as ThreadData;
const states = new Map<number, Promise<unknown>>(); // by session
const operators = new Map<number, Operator>(); // likewise
const running = new Map<number, Running>(); // by job

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'abort') running.get(message.job)?.abort.abort();
  else if (message.kind === 'close') close(message.session);
  else if (message.kind === 'flush') void flush(message);
  else void run(message);
});
if (isBackground) yieldToTheProgram();

function close(session: number): void {
  states.delete(session);
  operators.get(session)?.close();
  operators.delete(session);
  for (const job of running.values()) if (job.session === session) job.isClosed = true;
}

async function flush({ session, flush, urgency }: Extract<ToThread, { kind: 'flush' }>): Promise<void> {
  await operators.get(session)?.flush(urgency);
  postFlushed(flush);
}

async function run(message: Job): Promise<void> {
  const { job, session, task } = message;
  const abort = new AbortController();
  const present: Running = { session, abort, isClosed: false };
  running.set(job, present);
  try {
    const exports = (await import(task.module)) as Exports;
    // Nobody would let go of a state that is made now.
    if (present.isClosed) throw new Error('its session was closed before it began');
    if (task.kind === 'operator') await runOperator(message, operatorFor(message, exports));
    else await runFunction(message, exports, abort.signal);
  } catch (error) {
    postFailed(job, error, undefined);
  } finally {
    running.delete(job);
  }
}

async function runFunction(message: Job, exports: Exports, signal: AbortSignal): Promise<void> {
  const { job, session, task } = message;
  let state: unknown;
  try {
    state = await stateFor(message, exports);
    const context = { state, signal, worker };
    if (message.kind === 'finish') states.delete(session);
    const value = await (message.kind === 'run'
      ? exported(exports, task, task.export)(message.chunk, context)
      : exported(exports, task, task.finish ?? '')(state, context));
    const isMoved = message.kind === 'finish' || message.transfer;
    postDone({ kind: 'done', job, value, books: booksOf(message.kind === 'finish' ? undefined : state) }, isMoved);
  } catch (error) {
    postFailed(job, error, booksOf(state));
  }
}

async function runOperator(message: Job, operator: Operator): Promise<void> {
  const { job, session } = message;
  const isMoved = message.kind === 'finish' || message.transfer;
  if (message.kind === 'finish') operators.delete(session);
  const output = message.kind === 'run' ? operator.next(message.chunk) : await operator.complete();
  postOutput({ session, job, isMoved }, output, operator);
}

/** The state of this session; it is made once. */
function stateFor({ session, task }: Job, exports: Exports): Promise<unknown> | undefined {
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

function operatorFor({ session, task }: Job, exports: Exports): Operator {
  const open = operators.get(session);
  if (open !== undefined) return open;
  const found = named(exports, task.export) as Partial<OperatorTask<unknown, unknown>> | undefined;
  if (typeof found?.open !== 'function') throw missing(exports, task, `operatorTask '${task.export}'`);
  const operator: Operator = found.open({
    onAnswer: (output) => postOutput({ session, job: undefined, isMoved: true }, output, operator),
    onTrouble: (error) => postError({ kind: 'trouble', session, error }),
  });
  operators.set(session, operator);
  return operator;
}

function exported(exports: Exports, task: SentTask, name: string): Exported {
  const value = named(exports, name);
  if (typeof value === 'function') return value as Exported;
  throw missing(exports, task, `function '${name}'`);
}

/** CommonJS may have its exports in `default` only. */
function named(exports: Exports, name: string): unknown {
  return exports[name] ?? (exports.default as Exports | undefined)?.[name];
}

function missing(exports: Exports, task: SentTask, what: string): TypeError {
  return new TypeError(`${task.module} exports no ${what}; its exports are ${Object.keys(exports).join(', ')}`);
}

/** What a state says of itself. */
function booksOf(state: unknown): StateBooks {
  const pending = (state as { readonly pendingItems?: unknown } | undefined)?.pendingItems;
  const pendingItems = Number.isSafeInteger(pending) && (pending as number) > 0 ? (pending as number) : 0;
  return { items: 0, pendingItems, removed: 0, lost: {}, figures: {} };
}

/** On Linux a priority is that of a thread; elsewhere it would be that of the whole program. */
function yieldToTheProgram(): void {
  try {
    if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {}
}
