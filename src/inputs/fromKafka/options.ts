import type { SchedulerLike } from 'rxjs';
import { aGate, createGate, type Gate } from '../../flow/gate.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aFunction, aScheduler, millis, oneOf, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { SignalName } from '../../model/signal.ts';
import type { Loss } from '../../model/tally.ts';
import {
  aName,
  KAFKA_CONNECTION_DEFAULTS,
  KAFKA_CONNECTION_RULES,
  type KafkaConnectionOptions,
  type KafkaConnectionSettings,
} from '../../peers/kafkaOptions.ts';
import type { PoisonMessage } from './api.ts';

/** The options of {@link fromKafka}. */
export interface FromKafkaOptions<S extends SignalName = 'traces'> extends KafkaConnectionOptions {
  /** What is read. The Collector calls its topics `otlp_spans`, `otlp_logs` and `otlp_metrics`. */
  topic: string;
  /** The consumer group: each message goes to one of its members, and the group keeps how far it is. */
  groupId: string;
  /** What the messages hold: `traces` (the default), `logs` or `metrics`. */
  signal?: S;
  /** What a message is: an export request of OTLP in protobuf (`otlp_proto`, the default) or in JSON (`otlp_json`). */
  encoding?: 'otlp_proto' | 'otlp_json';
  /** Where a group begins that has committed nothing: `earliest` (the default), so that nothing is left out, or `latest`, with what comes from now on. */
  startFrom?: 'earliest' | 'latest';
  /** Batches that are out without an outcome, at most: 1 or more, default 1,000. Nothing is emitted while there are so many. A message by trace holds few spans, so it is more than files have. */
  maxUnsettledBatches?: number;
  /** The bytes of the messages of these batches, at most: 1 or more, default 64 MiB. A larger message goes alone. */
  maxUnsettledBytes?: number;
  /** The bytes that a broker is asked for at once: 1 or more, default 4 MiB. So much for each broker, decompressed more, is in memory besides the batches that are out. A larger message comes alone. */
  maxFetchBytes?: number;
  /** Nothing is read or emitted while it is closed: for operators in between that do not hold batches. Default: one that stays open. */
  gate?: Gate;
  /** How long what is settled may stay uncommitted, in milliseconds: 0 or more, default 1,000. What was settled and not committed at a crash comes again. Lower: fewer duplicates, and more requests. */
  commitIntervalMillis?: number;
  /** The group takes a member for dead that it has not heard of for this long, in milliseconds: 1,000 or more, default 45,000. Brokers refuse less than 6,000 unless they are configured otherwise. Lower: what a killed process had comes sooner to another one; a program that stands still for so long loses its partitions. */
  sessionTimeoutMillis?: number;
  /**
   * How long a rebalance waits for the outcomes of what is out, in milliseconds: 0 or more, below `sessionTimeoutMillis`, default 10,000. What is settled by then is committed, the rest comes again at the next owner of its partition. All members of the group wait for the slowest.
   */
  rebalanceWaitMillis?: number;
  /** A batch that is not settled within this many milliseconds is ended, and counts as lost (`leaseExpired`), so that it does not block its partition for ever: 1 or more, default 600,000. It has to be longer than the longest export with all its retries. */
  holdLeaseMillis?: number;
  /** How long it waits after a failed call to the brokers, and before a message is read again, in milliseconds: 1 or more, default 1,000. */
  retryDelayMillis?: number;
  /** How long `forceFlush` and `shutdown` wait for outcomes, in milliseconds: 1 or more, or `Infinity`, default 10,000. */
  shutdownTimeoutMillis?: number;
  /**
   * Called for each message that cannot be read, to set it aside: into another topic, or a file. Its offset is committed when the promise that it returns is settled, whether fulfilled or rejected, or after `rebalanceWaitMillis`, so that no message blocks a partition. What it throws is told to `onCallbackError`. Default: it is counted, and the first one is told by `diag.warn`.
   */
  onPoison?: (message: PoisonMessage) => unknown;
  /** Called for each batch that is lost here: `leaseExpired`. Default: nothing. */
  onLoss?: (loss: Loss) => void;
  /** Called when another callback throws, or rejects. Default: it is counted in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Its name in losses and statistics. Default: `fromKafka`. */
  name?: string;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type Undecided = 'onPoison' | 'onLoss' | 'onCallbackError' | 'name' | 'ledger';
type Own = Omit<FromKafkaOptions<SignalName>, keyof KafkaConnectionOptions>;

export type FromKafkaSettings = KafkaConnectionSettings &
  Readonly<Required<Omit<Own, Undecided>>> & { readonly [K in Undecided]: Own[K] | undefined };

export const FROM_KAFKA_DEFAULTS: Readonly<Omit<FromKafkaSettings, 'brokers' | 'topic' | 'groupId' | 'gate'>> =
  Object.freeze({
    ...KAFKA_CONNECTION_DEFAULTS,
    signal: 'traces',
    encoding: 'otlp_proto',
    startFrom: 'earliest',
    maxUnsettledBatches: 1_000,
    maxUnsettledBytes: 64 * 1024 * 1024,
    maxFetchBytes: 4 * 1024 * 1024,
    commitIntervalMillis: 1_000,
    sessionTimeoutMillis: 45_000,
    rebalanceWaitMillis: 10_000,
    holdLeaseMillis: 600_000,
    retryDelayMillis: 1_000,
    shutdownTimeoutMillis: 10_000,
    onPoison: undefined,
    onLoss: undefined,
    onCallbackError: undefined,
    name: undefined,
    ledger: undefined,
    scheduler: monotonicScheduler,
  });

const FROM_KAFKA_RULES: Rules<FromKafkaSettings> = {
  ...KAFKA_CONNECTION_RULES,
  topic: aName,
  groupId: aName,
  signal: oneOf('traces', 'logs', 'metrics'),
  encoding: oneOf('otlp_proto', 'otlp_json'),
  startFrom: oneOf('earliest', 'latest'),
  maxUnsettledBatches: whole(1),
  maxUnsettledBytes: whole(1),
  maxFetchBytes: whole(1, 2 ** 31 - 1),
  gate: aGate,
  commitIntervalMillis: millis(0),
  sessionTimeoutMillis: millis(1_000, 'finite', 30 * 60_000),
  rebalanceWaitMillis: millis(0, 'finite', 'sessionTimeoutMillis'),
  holdLeaseMillis: millis(1),
  retryDelayMillis: millis(1),
  shutdownTimeoutMillis: millis(1, 'orInfinity'),
  onPoison: (value, option, call) => value === undefined || aFunction(value, option, call),
  onLoss: STAGE_RULES.onLoss,
  onCallbackError: STAGE_RULES.onCallbackError,
  name: STAGE_RULES.name,
  ledger: STAGE_RULES.ledger,
  scheduler: aScheduler,
};

export const TIMEOUT_RULES: Rules<{ timeoutMillis: number }> = { timeoutMillis: millis(0, 'orInfinity') };

export const STAGE = 'fromKafka';

export function fromKafkaSettings(options: FromKafkaOptions<SignalName>): FromKafkaSettings {
  const defaults = { ...FROM_KAFKA_DEFAULTS, gate: createGate() };
  return settingsOf<FromKafkaSettings>(STAGE, defaults, FROM_KAFKA_RULES, options);
}
