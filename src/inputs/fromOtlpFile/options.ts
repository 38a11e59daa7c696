import type { SchedulerLike } from 'rxjs';
import { aGate, createGate, type Gate } from '../../flow/gate.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aPath, aScheduler, millis, oneOf, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Loss } from '../../model/tally.ts';

/** The options of {@link fromOtlpFile}. */
export interface FromOtlpFileOptions<S extends SignalName = 'traces'> {
  /** What is read: `traces` (the default), `logs` or `metrics`. Lines of other signals in the same file count as `empty`. */
  signal?: S;
  /** The maximum of the bytes of one record, decompressed: 1 to 134,217,728 (128 MiB), default 64 MiB. A larger one is passed over as damaged. */
  maxRecordBytes?: number;
  /** Batches that are out without an outcome, at most: 1 or more, default 32. Nothing is read while there are so many. */
  maxUnsettledBatches?: number;
  /** The bytes of the records of these batches, at most: 1 or more, default 64 MiB. A larger record goes alone. */
  maxUnsettledBytes?: number;
  /** A batch that is not settled within this many milliseconds after it has been emitted is ended, and gives its room back: 1 or more, default 600,000. It has to be longer than the longest export with all its retries. A batch that its holder keeps within bounds of its own ({@link rebatch} does) has no lease. */
  holdLeaseMillis?: number;
  /** Nothing is read while it is closed: for operators in between that do not hold batches. Default: one that stays open. */
  gate?: Gate;
  /** How often `progress$` emits, in milliseconds of reading: 0 or more, default 1,000. */
  progressIntervalMillis?: number;
  /** What the stage is called in losses and statistics. Default: `fromOtlpFile`. */
  name?: string;
  /** Called for a batch of which the lease is over (`leaseExpired`), with the items: a holder has forgotten it, and nobody knows how it ended. */
  onLoss?: (loss: Loss, items: readonly SignalItems[S][]) => void;
  /** Called when `onLoss` throws. Default: this is only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** How far the reading of a file is. */
export interface FileProgress {
  /** Bytes of the file that have been read. */
  readonly readBytes: number;
  /** Its size, in bytes, when the reading began. */
  readonly totalBytes: number;
  /** Requests that have been read, those without items too. */
  readonly records: number;
  /** Spans, log records or data points that they held. */
  readonly items: number;
  /** Records that hold nothing of the signal. */
  readonly empty: number;
  /** Records that could not be read, and were passed over. */
  readonly damaged: number;
  /** Where the first of them is, and what is wrong with it: `traces.jsonl:2: …` is its second line. `undefined`: none was damaged. */
  readonly firstDamage: string | undefined;
  /** Bytes behind a damaged length, which cannot be read either: nobody knows where the next record begins. Of a file that is compressed as a whole, decompressed. */
  readonly unreadBytes: number;
  /** How fast it is read, in bytes a second, from its beginning on. 0: not known yet. */
  readonly bytesPerSecond: number;
  /** How long the rest takes at this rate, in milliseconds. `undefined`: not known yet. */
  readonly remainingMillis: number | undefined;
}

type Optional = 'name' | 'onLoss' | 'onCallbackError' | 'ledger';

export type FromOtlpFileSettings<S extends SignalName = SignalName> = Required<
  Omit<FromOtlpFileOptions<S>, Optional>
> & {
  readonly [K in Optional]: FromOtlpFileOptions<S>[K] | undefined;
};

export const FROM_OTLP_FILE_DEFAULTS: Readonly<Omit<FromOtlpFileSettings, 'gate'>> = Object.freeze({
  signal: 'traces',
  maxRecordBytes: 64 * 1024 * 1024,
  maxUnsettledBatches: 32,
  maxUnsettledBytes: 64 * 1024 * 1024,
  holdLeaseMillis: 600_000,
  progressIntervalMillis: 1_000,
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  scheduler: monotonicScheduler,
});

const FROM_OTLP_FILE_RULES: Rules<FromOtlpFileSettings> = {
  ...STAGE_RULES,
  signal: oneOf('traces', 'logs', 'metrics'),
  maxRecordBytes: whole(1, 128 * 1024 * 1024),
  maxUnsettledBatches: whole(1),
  maxUnsettledBytes: whole(1),
  holdLeaseMillis: millis(1),
  gate: aGate,
  progressIntervalMillis: millis(0),
  scheduler: aScheduler,
};

export const STAGE = 'fromOtlpFile';

export function fromOtlpFileSettings<S extends SignalName>(
  path: string | URL,
  options: FromOtlpFileOptions<S>,
): FromOtlpFileSettings<S> {
  const defaults = { ...FROM_OTLP_FILE_DEFAULTS, gate: createGate() } as Partial<FromOtlpFileSettings<S>>;
  return settingsOf<FromOtlpFileSettings<S>>(STAGE, defaults, FROM_OTLP_FILE_RULES as never, options, {
    path: [path, aPath],
  });
}
