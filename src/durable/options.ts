import { fileURLToPath } from 'node:url';
import type { SchedulerLike } from 'rxjs';
import { aSink } from '../destination/sinkRule.ts';
import { pick } from '../internal/pick.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import {
  aFunction,
  anObject,
  aPath,
  aScheduler,
  limit,
  millis,
  oneOf,
  optional,
  type Rules,
  record,
  settingsOf,
  whole,
} from '../internal/validation.ts';
import type { SignalItems, SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';
import type { Loss } from '../model/tally.ts';
import { EXPORT_TO_RULES, type ExportToOptions } from '../operators/exportTo/options.ts';

/** What of the options of {@link exportTo} holds for the sending. */
const SENDING = [
  'concurrency',
  'attemptTimeoutMillis',
  'retry',
  'breaker',
  'rateLimit',
  'retryBudget',
  'pauseWhen',
  'settings$',
  'onRetry',
] as const;

/** How what is on disk is sent: these options of {@link exportTo}. The default of `retry.maxElapsedMillis` is `Infinity` here: a batch is tried until it is older than `maxAgeMillis`. */
export type DurableSendOptions<T> = Pick<ExportToOptions<T>, (typeof SENDING)[number]>;

/** The options of {@link durable}. */
export interface DurableOptions<S extends SignalName = 'traces'> {
  /** Where the queue lies: the path of a directory, or its `file:` URL. It is made where it is missing, for its owner alone. Personal data lies there. Not on a network drive, whose locks are no locks. */
  directory: string | URL;
  /** What the batches consist of: `traces` (the default), `logs` or `metrics`. */
  signal?: S;
  /**
   * `one` (the default): the directory belongs to one process, and another one is refused. `several`: each process has a subdirectory of it (`process-0`, …), and what is in those whose process has ended is taken over by the next one that starts. Say `several` for the
   * processes of a cluster, and for two sinks in one process.
   */
  processes?: 'one' | 'several';
  /**
   * When a batch is answered. `full` (the default): when it is on the disk (`fsync`), so that it survives a loss of power. `normal`: when the system has it, which is faster; it survives the end of the process, however that comes, and
   * may be gone after a loss of power or a crash of the system.
   */
  sync?: 'full' | 'normal';
  /** How large the queue may become, in bytes on the disk: 1 MiB or more, default 1024 MiB. It bounds the pages of the database, and with them its file; beside it lies a write-ahead log of up to some 16 MiB. With several processes it is for each. */
  maxBytes?: number;
  /** How old a batch may become, in milliseconds from when it was written: 1 or more, or `Infinity`; default 604,800,000 (a week). What is older is lost as `expired`. Lower it where personal data must not lie longer. */
  maxAgeMillis?: number;
  /**
   * What happens at `maxBytes`. `dropNewest` (the default): the batch is refused, and counted as `queueFull`; who exports it tries again, as with a backend that is busy. `dropOldest`: the oldest that is not being sent is lost as `queueFull`.
   */
  overflow?: 'dropNewest' | 'dropOldest';
  /** How many bytes of bodies may wait in memory for the disk: 65,536 or more, default 64 MiB. Beyond that, exports fail as `retryable`, so that a slow disk fills no memory. A body that is alone always has room. */
  maxWritingBytes?: number;
  /** How many bytes of bodies are in memory for sending: 65,536 or more, default 16 MiB, and one batch at least. More lets more be in flight. However much is on disk, no more is in memory. */
  maxSendingBytes?: number;
  /** How what is on disk is sent. Default: as `exportTo` does, but without an end. */
  send?: DurableSendOptions<SignalItems[S]>;
  /** What `forceFlush` waits for. `onDisk` (the default): nothing, since what was answered is on disk. `delivered`: until what was on disk by then has been delivered, rejected, or counted as lost; bounded by the deadline of whoever calls it. */
  flush?: 'onDisk' | 'delivered';
  /** How long a shutdown waits for attempts that are in flight, in milliseconds: 0 or more, default 400. They are aborted then; what they were to send stays on disk, and may arrive twice. */
  shutdownGraceMillis?: number;
  /** Called for each loss, with the items where they are in memory: not for those that are dropped on disk. */
  onLoss?: (loss: Loss, items: readonly SignalItems[S][]) => void;
  /** Called when `onLoss` or a function of `send` throws. Default: that is only counted. */
  onCallbackError?: (thrown: unknown) => void;
  /** Numbers from 0 (included) to 1 (excluded), for the jitter. Default `Math.random`. */
  random?: () => number;
  /** Where the time of the sending comes from. Default {@link monotonicScheduler}. The ages on disk are those of the system's clocks. */
  scheduler?: SchedulerLike;
}

type Optional = 'onLoss' | 'onCallbackError';

export type DurableSettings<T> = Required<Omit<DurableOptions<SignalName>, Optional | 'send' | 'directory'>> & {
  readonly directory: string;
  readonly send: DurableSendOptions<T>;
  readonly onLoss: ((loss: Loss, items: readonly T[]) => void) | undefined;
  readonly onCallbackError: ((thrown: unknown) => void) | undefined;
};

export const DURABLE_DEFAULTS: Readonly<Omit<DurableSettings<unknown>, 'directory'>> = Object.freeze({
  signal: 'traces',
  processes: 'one',
  sync: 'full',
  maxBytes: 1024 ** 3,
  maxAgeMillis: 7 * 24 * 3_600_000,
  overflow: 'dropNewest',
  maxWritingBytes: 64 * 1024 ** 2,
  maxSendingBytes: 16 * 1024 ** 2,
  send: Object.freeze({}),
  flush: 'onDisk',
  shutdownGraceMillis: 400,
  onLoss: undefined,
  onCallbackError: undefined,
  random: Math.random,
  scheduler: monotonicScheduler,
});

const DURABLE_RULES: Rules<DurableSettings<unknown>> = {
  directory: aPath,
  signal: oneOf('traces', 'logs', 'metrics'),
  processes: oneOf('one', 'several'),
  sync: oneOf('full', 'normal'),
  maxBytes: whole(1024 ** 2),
  maxAgeMillis: limit(1),
  overflow: oneOf('dropNewest', 'dropOldest'),
  maxWritingBytes: whole(65_536),
  maxSendingBytes: whole(65_536),
  send: (value, option, call) => {
    anObject(value, option, call);
    record(pick(EXPORT_TO_RULES, SENDING))(value, option, call);
  },
  flush: oneOf('onDisk', 'delivered'),
  shutdownGraceMillis: millis(0),
  onLoss: optional(aFunction),
  onCallbackError: optional(aFunction),
  random: aFunction,
  scheduler: aScheduler,
};

export function durableSettings<S extends SignalName>(
  sink: Sink<SignalItems[S]>,
  options: DurableOptions<S>,
): DurableSettings<SignalItems[S]> {
  const args = { sink: [sink, aSink] } as const;
  const settings = settingsOf<DurableSettings<SignalItems[S]>>(
    'durable',
    DURABLE_DEFAULTS,
    DURABLE_RULES,
    options,
    args,
  );
  const { directory } = settings as { readonly directory: string | URL };
  return { ...settings, directory: directory instanceof URL ? fileURLToPath(directory) : directory };
}
