import { settingsOf } from '../../internal/validation.ts';
import { OpenedOperator } from './openedOperator.ts';
import {
  OPERATOR_TASK_DEFAULTS,
  OPERATOR_TASK_RULES,
  type OperatorTask,
  type OperatorTaskOptions,
  type OperatorTaskSettings,
} from './options.ts';

/**
 * Makes of an operator what {@link inWorkers} runs in each of its workers: one that remembers, and answers later than it is asked, such as `tailSample` or `groupByTrace`. A module exports it, and {@link workerTask} names it, with `kind: 'operator'`.
 *
 * ```
 * main thread:  spans$ → chunks, each of one shard → inWorkers( shardBy ) → results → …
 * each worker:           receive → operator → send
 * ```
 *
 * **Emits** what comes out of the operator while a chunk goes in, as the result of this chunk, and what comes later by itself, as soon as it comes. What comes out together goes back together.
 * **Completes** when the operator has: it is completed in each worker when the source of `inWorkers` has completed. **Unsubscribed**, it is unsubscribed, too.
 *
 * **An operator that throws** does not end anything: what stands between the stage behind it and the chunks is subscribed again, as in a {@link runPipeline}, and the item that it had in its hands is lost as `operatorFailed`. `onTaskError` of `inWorkers` is told. One that completes by itself takes out all items that come from then on.
 *
 * **Flush**: one that reaches `inWorkers` reaches the operators of this package in the workers, and is done when what they let out has come back.
 *
 * **Books**: items that stages in the worker hold are pending in `inWorkers`, what they have removed or lost is so there, and their figures are its figures (`tailSample.kept.errors`). A worker that crashes loses what it held (`workerCrashed`), as far as it had told.
 *
 * **Bounds**: each worker has one chunk at a time. What comes out later is bounded by what the operator holds: by its own bounds.
 *
 * @throws InvalidOptionError when an option is no function, or unknown
 *
 * @example
 * ```ts
 * // ./sampling.js, which each worker loads
 * const sample = operatorTask({
 *   receive: (bytes: Uint8Array) => decodeTraces(bytes),
 *   operator: tailSample({ policies: [{ kind: 'errors' }] }),
 *   send: (spans: readonly ReadableSpan[]) => encodeTraces(spans),
 * });
 * ```
 *
 * @see inWorkers, workerTask
 */
export function operatorTask<C, T = C extends readonly (infer I)[] ? I : never, R = T, M = readonly R[]>(
  options: OperatorTaskOptions<C, T, R, M>,
): OperatorTask<C, M> {
  const defaults = OPERATOR_TASK_DEFAULTS as unknown as Partial<OperatorTaskSettings<C, T, R, M>>;
  const settings = settingsOf<OperatorTaskSettings<C, T, R, M>>(
    'operatorTask',
    defaults,
    OPERATOR_TASK_RULES as never,
    options,
  );
  return { open: (listener) => new OpenedOperator(settings, listener) };
}
