import { monotonicScheduler } from '../internal/scheduler.ts';
import { warn } from '../internal/tracingSuppression.ts';
import { aFunction, millis, type Rules, settingsOf, shape } from '../internal/validation.ts';
import { flushWithin } from '../internal/withinTime.ts';
import { messageOf } from '../model/errors.ts';

/** What is flushed after each call: a pipeline of any signal, a handle, or anything else that flushes alike, such as a provider of OpenTelemetry's SDK. */
export interface Flushable {
  /** Sends what is queued. Its promise may reject, and what it resolves with is not used. */
  forceFlush(options?: { timeoutMillis?: number }): Promise<unknown>;
}

/** The options of {@link withFlush}. */
export interface WithFlushOptions {
  /** How long each call waits for the flush, at most, in milliseconds: 1 or more, default 2,000. While the backend is down, each caller waits this much longer; less loses what a slow backend would have taken, if the process is never thawed. */
  timeoutMillis?: number;
  /** Where the platform says how long the call may still take (`context.getRemainingTimeInMillis` of AWS Lambda), the flush ends this much earlier, in milliseconds: 0 or more, default 200, which is left for the answer. */
  reserveMillis?: number;
}

export const WITH_FLUSH_DEFAULTS: Readonly<Required<WithFlushOptions>> = Object.freeze({
  timeoutMillis: 2_000,
  reserveMillis: 200,
});

/**
 * What the wrapper resolves with. The type of Lambda's handlers says `void | Promise<T>`, whose `void` is that of handlers with a callback.
 *
 * @inline
 */
type Answer<R> = Awaited<[Extract<R, PromiseLike<unknown>>] extends [never] ? R : Exclude<R, void>>;

const OWNER = 'withFlush';
const WITH_FLUSH_RULES: Rules<WithFlushOptions> = { timeoutMillis: millis(1), reserveMillis: millis(0) };
const aFlushable = shape('a pipeline, or another object with forceFlush()', 'forceFlush');

/**
 * Wraps the handler of a function that is frozen after each call (AWS Lambda, Cloud Functions, Vercel): what the call has recorded is sent before its answer leaves.
 *
 * ```
 * call      ──▶ handler ──▶ its result or error ──▶ forceFlush ──▶ the same result or error
 *                                                   └─ at most timeoutMillis, and the remaining time − reserveMillis
 * ```
 *
 * **The handler** is called with the same `this` and arguments, and its result or error is never changed: not by a flush that fails, and not by one that is late. It is flushed after a failure, too. The wrapper always returns a promise.
 *
 * **Late**: what the backend has not taken in time stays in the queue, and goes out with the next call, or is lost if there is none. OpenTelemetry's `diag.warn` says so.
 *
 * **Streams**: wrap the handler itself, `awslambda.streamifyResponse(withFlush(async (event, stream, context) => …, pipeline))`, and let its promise wait for the end of the stream (`await pipeline(source, stream)` of `node:stream/promises`): the flush comes after that, and the reader of the stream does not wait for it. Where a handler returns a `Response` whose body
 * is made later (Vercel), what the body records goes out with the next call.
 *
 * **Not for** handlers with a callback, whose work goes on after they have returned, and not for those that answer by a method (`(req, res) => …`, of Cloud Functions and Express): the platform may freeze the process after `res.end()`, before the flush. Flush there before the answer: `await pipeline.forceFlush()`.
 *
 * @param handler the function, asynchronous or not
 * @param flushable what is flushed: a pipeline, for example
 *
 * @throws InvalidOptionError when `handler` is no function, `flushable` has no `forceFlush`, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: otlpHttp() });
 * const handler = withFlush(async (event: { order: string }) => ({ placed: event.order }), pipeline);
 * console.log(await handler({ order: 'lamp' }));
 * ```
 *
 * @see spanPipeline
 */
export function withFlush<This, Args extends unknown[], R>(
  handler: (this: This, ...args: Args) => R,
  flushable: Flushable,
  options: WithFlushOptions = {},
): (this: This, ...args: Args) => Promise<Answer<R>> {
  const args = { handler: [handler, aFunction], flushable: [flushable, aFlushable] } as const;
  const settings = settingsOf<Required<WithFlushOptions>>(OWNER, WITH_FLUSH_DEFAULTS, WITH_FLUSH_RULES, options, args);
  return async function flushingHandler(...given): Promise<Answer<R>> {
    try {
      return (await handler.apply(this, given)) as Answer<R>;
    } finally {
      await flushed(flushable, timeLeft(given, settings));
    }
  };
}

/** Never rejects. */
async function flushed(flushable: Flushable, timeoutMillis: number): Promise<void> {
  const flush = async () => void (await flushable.forceFlush({ timeoutMillis }));
  try {
    await flushWithin(monotonicScheduler, timeoutMillis, 'the flush after a call', flush);
  } catch (thrown) {
    warn(`${OWNER}: ${messageOf(thrown)}`);
  }
}

/** At least a millisecond: a flush that hardly waits still sends. */
function timeLeft(args: readonly unknown[], { timeoutMillis, reserveMillis }: Required<WithFlushOptions>): number {
  const remainingMillis = remainingTime(args);
  if (!Number.isFinite(remainingMillis)) return timeoutMillis;
  return Math.max(1, Math.min(timeoutMillis, remainingMillis - reserveMillis));
}

/** What Lambda's context says, which is the second argument, or the third of a streaming handler; `NaN` without one. */
function remainingTime(args: readonly unknown[]): number {
  try {
    for (const arg of args) {
      const { getRemainingTimeInMillis } = (arg ?? {}) as { getRemainingTimeInMillis?: unknown };
      if (typeof getRemainingTimeInMillis === 'function') return Number(getRemainingTimeInMillis.call(arg));
    }
  } catch {
    // What the host's own object throws must not change the answer of the call.
  }
  return Number.NaN;
}
