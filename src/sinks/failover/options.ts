import type { SchedulerLike } from 'rxjs';
import { aSink } from '../../destination/sinkRule.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aScheduler, millis, optional, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { Sink } from '../../model/sink.ts';

/** The options of {@link failover}. */
export interface FailoverOptions<T> {
  /**
   * Attempts at the primary that fail in a row, at most: 1 or more, default 5. With the last of them the fallback takes over. Fewer react sooner, and to shorter disturbances: several attempts are in flight, and all of them
   * may fail at once.
   */
  maxFailedAttempts?: number;
  /**
   * While the fallback has taken over, one attempt goes to the primary once per interval, in milliseconds: 1 or more, default 10,000. Fewer come back sooner, and cost more attempts that fail. A primary that asks for more patience
   * than this (`Retry-After`) has given up at once, and is left alone for so long, up to ten minutes.
   */
  probeIntervalMillis?: number;
  /** Gets a copy of each batch, once, that nobody waits for. The one attempt takes up to the `attemptTimeoutMillis` of the backup, 10 s if it has none. Default: none. */
  backup?: Sink<T>;
  /** Copies in flight to the backup, at most: 1 or more, default 8. A lower `maxConcurrency` of the backup wins. */
  maxBackupInFlight?: number;
  /** The estimated bytes of the copies that wait or are in flight, at most: 1 or more, default 16 MiB. A copy that does not fit, or that finds no memory, is dropped and counted. */
  maxBackupBytes?: number;
  /** What the memory of the copies comes out of. Default: that of the process, see {@link memoryBudget}. There is an account, with a reserved part, only while there are copies. */
  memory?: MemoryBudget;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type FailoverSettings<T> = Required<Omit<FailoverOptions<T>, 'backup' | 'memory'>> & {
  readonly backup: Sink<T> | undefined;
  readonly memory: MemoryBudget | undefined;
};

export const FAILOVER_DEFAULTS: Readonly<FailoverSettings<never>> = Object.freeze({
  maxFailedAttempts: 5,
  probeIntervalMillis: 10_000,
  backup: undefined,
  maxBackupInFlight: 8,
  maxBackupBytes: 16 * 1024 * 1024,
  memory: undefined,
  scheduler: monotonicScheduler,
});

const FAILOVER_RULES: Rules<FailoverSettings<never>> = {
  maxFailedAttempts: whole(1),
  probeIntervalMillis: millis(1),
  backup: optional(aSink),
  maxBackupInFlight: whole(1),
  maxBackupBytes: whole(1),
  memory: optional(aMemoryBudget),
  scheduler: aScheduler,
};

export function failoverSettings<T>(
  primary: Sink<T>,
  fallback: Sink<T>,
  options: FailoverOptions<T>,
): FailoverSettings<T> {
  const args = { primary: [primary, aSink], fallback: [fallback, aSink] } as const;
  return settingsOf<FailoverSettings<T>>('failover', FAILOVER_DEFAULTS, FAILOVER_RULES, options, args);
}
