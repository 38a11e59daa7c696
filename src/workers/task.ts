import { aString, type Mistakes, must, oneOf, optional, type Rules, settingsOf } from '../internal/validation.ts';
import type { OperatorTask } from './operatorTask/options.ts';
import type { Cloneable } from './payload/cloneable.ts';

/** What a task is given beside its chunk. */
export interface TaskContext<S = undefined> {
  /** What the task's `state` function has made in this worker. If it has a number `pendingItems`, that many items are counted as lost when the state is lost. */
  readonly state: S;
  /** Aborted when the result is not wanted any more: the stream was unsubscribed, or the chunk took too long. A task that goes on for longer than the pool's `abortMillis` costs its worker. */
  readonly signal: AbortSignal;
  /** The number of the worker in its pool, from 0. */
  readonly worker: number;
}

/** Where a function is that runs in a worker. Functions cannot be sent to another thread, so it is named. */
export interface TaskReference {
  /** The URL of its module: `new URL('tasks.js', import.meta.url)`, or a `file:` URL as a string. */
  readonly module: URL | string;
  /** The name under which the module exports it. */
  readonly export: string;
  /** What it is. `function` (the default): a function from a chunk to a result · `operator`: what {@link operatorTask} has made of an RxJS operator, which may answer later than it is asked. */
  readonly kind?: 'function' | 'operator';
  /** The name under which the module exports a function that makes the state of the task: once in each worker for each subscription, before its first chunk. Left out: the state is `undefined`. */
  readonly state?: string;
  /**
   * The name under which the module exports a function that is called in each worker which has a state, when the source has completed and all chunks have their results. It is given the state and the context; what it returns is
   * one more result. Left out: nothing is called.
   */
  readonly finish?: string;
}

/** A task whose types are known, from {@link workerTask}. */
export interface WorkerTask<C, R> {
  /** The URL of its module. */
  readonly module: string;
  /** The name of the function in its module. */
  readonly export: string;
  /** What is exported: a function, or what {@link operatorTask} has made. */
  readonly kind: 'function' | 'operator';
  /** The name of the function that makes its state. Left out: it has none. */
  readonly state?: string | undefined;
  /** The name of the function that ends its state. Left out: nothing is called at the end. */
  readonly finish?: string | undefined;
  /** Never set: it carries the types of chunk and result. */
  readonly types?: (chunk: C) => R;
}

/** A function that can be a task: from a chunk, and a context, to a result or a promise of one. */
export type TaskFunction = (chunk: never, context: TaskContext<never>) => unknown;

/** What can be named as a task. */
export type AnyTask = TaskFunction | OperatorTask<never, unknown>;

/** What goes to a task, and what comes back. */
type ChunkOf<F extends AnyTask> = F extends TaskFunction
  ? Parameters<F>[0]
  : F extends OperatorTask<infer C, unknown>
    ? C
    : never;
type ResultOf<F extends AnyTask> = F extends TaskFunction
  ? Awaited<ReturnType<F>>
  : F extends OperatorTask<never, infer M>
    ? M
    : never;
type ReferenceTo<F extends AnyTask> = F extends TaskFunction
  ? TaskReference & { readonly kind?: 'function' }
  : TaskReference & { readonly kind: 'operator' };

/** The reference to a task; where chunk or result cannot be sent to another thread, a type that nothing fits, with the reason. */
export type SendableTask<F extends AnyTask> =
  ChunkOf<F> extends Cloneable<ChunkOf<F>>
    ? ResultOf<F> extends Cloneable<ResultOf<F>>
      ? ReferenceTo<F>
      : {
          readonly module: 'its result holds a function, or an object with methods, which cannot be sent from a worker';
        }
    : { readonly module: 'its chunk holds a function, or an object with methods, which cannot be sent to a worker' };

const aModule = must('a file: URL, because a path would be looked for from another folder', (value) => {
  return (typeof value === 'string' || value instanceof URL) && /^(?:file|data):/.test(String(value));
});

function aKind(kind: unknown, option: string, call: Mistakes): void {
  oneOf('function', 'operator')(kind, option, call);
  if (kind === 'operator' && (call.hasValue('state') || call.hasValue('finish')))
    call.add(option, "'function' with state and finish: an operator has a state of its own, and completes", kind);
}

const TASK_RULES: Rules<TaskReference> = {
  module: aModule,
  export: aString,
  kind: aKind,
  state: optional(aString),
  finish: optional(aString),
};

const DEFAULTS = Object.freeze({ kind: 'function' });

/**
 * Names a function, or an operator, that runs in worker threads, with its types.
 *
 * The type parameter is the type of the function, so that chunks and results are checked: what holds a function, or an object with methods, is refused by the compiler.
 *
 * The module is loaded in each worker when the first chunk comes there. Whatever the program's own Node can `import` can be a task: ES modules, CommonJS, and TypeScript where Node strips types.
 * A bundler has to be told of the module, as of any other entry: `new URL('tasks.js', import.meta.url)` leads to a file beside the bundle.
 *
 * @throws InvalidOptionError when the module is no URL, a name is no string, or an option is unknown
 *
 * @example
 * ```ts
 * // ./tasks.js: export const countLines = (text) => text.split('\n').length;
 * type CountLines = (text: string) => number;
 * const task = workerTask<CountLines>({ module: new URL('file:///srv/app/tasks.js'), export: 'countLines' });
 * const workers = workerPool();
 * of('a\nb', 'c').pipe(inWorkers(task, { workers })).subscribe((lines) => console.log(lines));
 * ```
 *
 * @see inWorkers, operatorTask
 */
export function workerTask<F extends AnyTask>(reference: SendableTask<F>): WorkerTask<ChunkOf<F>, ResultOf<F>> {
  const given = reference as TaskReference;
  const { module, kind = 'function', ...names } = settingsOf<TaskReference>('workerTask', DEFAULTS, TASK_RULES, given);
  return Object.freeze({ module: String(module), kind, ...names });
}

/** `countLines of file:///srv/app/tasks.js` */
export function nameOfTask(task: WorkerTask<never, unknown>): string {
  return `${task.export} of ${task.module}`;
}
