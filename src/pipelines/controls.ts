import type { Observable } from 'rxjs';
import type { Stats } from '../ledger/stats.ts';
import type { LifeCycle } from './lifeCycle/lifeCycle.ts';
import type { PipelineState, Shutdown } from './lifeCycle/options.ts';

/** How any pipeline is watched, paused, flushed and ended. `R` is what it emits: outcomes. */
export interface PipelineControls<R> {
  /** One outcome per batch, and one for each sink if there are several (`route` names it), for those who are subscribed. It completes when the pipeline has been shut down. */
  readonly outcomes$: Observable<R>;
  /** The current statistics. */
  stats(): Stats;
  /** The statistics now, and whenever they have changed, at most once a second. It completes when the pipeline has been shut down. */
  readonly stats$: Observable<Stats>;
  /** The present state, and then each change. It completes when the pipeline has been shut down. */
  readonly state$: Observable<PipelineState>;
  /** From now on no export begins; those in flight go on, and items wait in the queue. After `shutdown` it does nothing. */
  pause(): void;
  /** Ends what `pause` began. While `pauseWhen` says `true`, the pipeline stays paused. */
  resume(): void;
  /**
   * Resolves when everything that came before has an outcome, delivered or lost: losses are in the outcomes and in the statistics. Rejects at the timeout (default `flushTimeoutMillis`) with
   * `FLUSH_TIMEOUT`; the exports go on. While the pipeline is paused and something is pending, it waits for the end of the pause, and the error says so.
   *
   * An export of this pipeline must not await it: it would wait for itself. If `export` of the sink calls it before its first `await`, the promise rejects at once with `DEADLOCK` (the flush goes on, and
   * as the failure of the export that is `permanent`). Called later, or by way of another pipeline, it cannot be told apart: the attempt ends at `attemptTimeoutMillis`, the flush at its timeout.
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /**
   * Takes nothing more, sends what it has, and shuts the sink down. What has no outcome at the deadline (default `shutdownDeadlineMillis`) is lost, as `shutdown` or `unconfirmed`.
   * It resolves then at the latest, but for a sink that is slow to close, which gets up to a second more. While it waits, what is in backoff tries at once and then at least twice a second; an address at which nothing
   * listens is tried for two seconds in all. A pause is over: what a paused pipeline keeps would be lost. (To lose it rather than send it, say `deadlineMillis: 0`.) It resolves with what it delivered and what it could not, and never rejects. The second call gives the promise of the first.
   */
  readonly shutdown: Shutdown;
  /** `await using`: calls `shutdown` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The controls of a pipeline that runs. */
export function controlsOf<T, R>(
  life: LifeCycle<T, R>,
  { forceFlush, shutdown }: Pick<PipelineControls<R>, 'forceFlush' | 'shutdown'>,
): PipelineControls<R> {
  return {
    outcomes$: life.outcomes$,
    stats: () => life.ledger.stats(),
    stats$: life.ledger.stats$,
    state$: life.state$,
    pause: () => life.pause(),
    resume: () => life.resume(),
    forceFlush,
    shutdown,
    [Symbol.asyncDispose]: () => shutdown(),
  };
}
