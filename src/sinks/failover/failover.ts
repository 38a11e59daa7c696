import type { Observable } from 'rxjs';
import { runGuarded } from '../../internal/runGuarded.ts';
import type { ObservableSink, Sink } from '../../model/sink.ts';
import type { FailoverState } from '../../strategies/primaryHealth.ts';
import { all, compositeOf } from '../shared/severalSinks.ts';
import { BackupCopies, type BackupStats, withinGrace } from './backupCopies.ts';
import { FailoverAttempts } from './failoverAttempts.ts';
import { type FailoverOptions, failoverSettings } from './options.ts';

export type { BackupStats };

/** A sink that is a primary and its fallback. */
export interface FailoverSink<T> extends ObservableSink<T> {
  /** Which of them takes the attempts: now, and then each change. */
  readonly state$: Observable<FailoverState>;
  /** What has become of the copies for the backup; all 0 where there is none. */
  backup(): BackupStats;
}

const NO_BACKUP: BackupStats = Object.freeze({ offered: 0, delivered: 0, failed: 0, dropped: 0, pending: 0 });

/**
 * A sink that is two: the primary, and the fallback for as long as the primary has given up.
 *
 * ```text
 * source      [a]------[b]--[c]---[d]-|
 * subscribed  ^-----------------------!
 *             failover: maxFailedAttempts 2, probeIntervalMillis 11
 * primary     ^!                           [a]
 *             --^!                         [a]
 *             --------------^!             [c]
 *             --------------------^!       [d]
 * fallback    ----^!                       [a]
 *             ---------^!                  [b]
 * result      -----o----o----o-----o--|
 * state$      b--f-----------b---------
 * ```
 *
 * Each attempt goes to one of them, and a retry goes where attempts go by then: the retries are those of the `exportTo` around it, and so are the waits between them.
 *
 * **When the primary has given up**: after `maxFailedAttempts` attempts in a row that failed for the time being (`retryable`, `throttled`, an unknown outcome, a timeout); or after one answer that asks for more patience than
 * `probeIntervalMillis`. With 8 attempts in flight and the default of 5, an outage is noticed with the first answers; with a single batch and the default backoff, after some 4 seconds. A refusal for good, and `tooLarge`, say nothing of
 * the backend: they end the batch, or split it, and nothing goes elsewhere. An attempt that is aborted for another reason than its timeout says nothing either.
 *
 * **When it has recovered**: while the fallback takes the attempts, one of them goes to the primary once per `probeIntervalMillis`, one at a time; when one was accepted, all go there again. A probe is a batch that has to be exported
 * anyway: if it fails, that batch is tried again after its backoff, at the fallback.
 *
 * **Order** of the layers: `deadline( retry( gate → breaker → rate → slot( timeout( failover( primary | fallback ) ) ) ) )`. All of them, slots and limiter included, and the learned sizes, are common to both. So 8 slots are 160 attempts a second at a
 * primary that answers after 50 ms and 40 at a fallback that takes 200 ms, until the limiter has grown; and a primary that times out after 10 s with 8 attempts in flight keeps all slots for 10 s, before the fallback gets anything. What the limiter
 * and a breaker have heard of one counts for the other: by default, the failures that hand over leave 0.7 of the limit or less. A breaker whose `consecutiveFailures` are no more than `maxFailedAttempts` (5 and 5 by default) opens by then, and holds back the fallback, too: give it more.
 * A `Retry-After` of the primary that it is not left for closes the gate; one with which it has given up does not, so that the fallback is used at once. `maxConcurrency` is the lower of the two, `attemptTimeoutMillis` the longer.
 *
 * **Loss**: none of its own; `exportTo` around it books what is lost at both. Copies for the backup are lost as `backup()` says, in no ledger. An attempt whose outcome is unknown at the primary and that the fallback delivers may have arrived at both: it is counted in `possibleDuplicates`.
 *
 * **Backup**: a copy of each batch, once, with the first attempt at it, whatever becomes of it elsewhere. Nobody waits for it, there is one attempt, and it is bounded in flight and in bytes: `backup()` says how many items were delivered,
 * failed or dropped. A flush does not wait for them, so a dead backup delays none. A shutdown gives those that are pending 400 ms, then it aborts those in flight (`failed`) and drops those that wait; and it waits for the backup's own shutdown as long again, at most.
 * A process that ends without a shutdown ends its copies, too. The copy has the same items, so that sinks of one encoding encode them once.
 *
 * Unsubscribing an export aborts the attempt, wherever it is, and no copy. `forceFlush` and `shutdown` go to each sink once. An object that was made once is one state: give it to several pipelines, and they fail over together.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const sink = failover(otlpHttp(), otlpHttp({ url: 'http://collector-b:4318/v1/traces' }), { backup: toConsole() });
 * sink.state$.subscribe((state) => console.log(`spans go to the ${state}`));
 * const pipeline = spanPipeline({ sink });
 * ```
 *
 * @see firstOf, fanOut
 */
export function failover<T>(primary: Sink<T>, fallback: Sink<T>, options: FailoverOptions<T> = {}): FailoverSink<T> {
  const settings = failoverSettings(primary, fallback, options);
  const { backup } = settings;
  const attempts = new FailoverAttempts(primary, fallback, settings);
  const copies = backup && new BackupCopies(backup, settings);
  const ownBackup = backup === primary || backup === fallback ? undefined : backup;
  const { component, maxConcurrency, attemptTimeoutMillis, forceFlush, shutdown } = compositeOf('failover', [
    primary,
    fallback,
  ]);
  const closeBackup = async () => {
    await copies?.close();
    await withinGrace(settings.scheduler, async () => ownBackup?.shutdown?.());
  };
  return {
    name: `failover(${primary.name}, ${fallback.name})`,
    component,
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    ...(attemptTimeoutMillis !== undefined && { attemptTimeoutMillis }),
    state$: attempts.state$,
    backup: () => copies?.stats ?? NO_BACKUP,
    export: (batch, attempt) => attempts.attempt(batch, attempt, () => copies?.offer(batch)),
    ...((forceFlush ?? ownBackup?.forceFlush) && {
      forceFlush: async () => {
        runGuarded(() => ownBackup?.forceFlush?.()); // nobody waits for it
        await forceFlush?.();
      },
    }),
    ...((shutdown !== undefined || copies !== undefined) && {
      shutdown: () => all([async () => shutdown?.(), closeBackup]),
    }),
  };
}
