import { millis, oneOf, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { SignalName } from '../../model/signal.ts';
import {
  aName,
  KAFKA_CONNECTION_DEFAULTS,
  KAFKA_CONNECTION_RULES,
  type KafkaConnectionOptions,
  type KafkaConnectionSettings,
} from '../../peers/kafkaOptions.ts';

/** The options of {@link toKafka}. */
export interface ToKafkaOptions<S extends SignalName = 'traces'> extends KafkaConnectionOptions {
  /** Where the messages go. The Collector calls its topics `otlp_spans`, `otlp_logs` and `otlp_metrics`. */
  topic: string;
  /** What the batches consist of: `traces` (the default), `logs` or `metrics`. */
  signal?: S;
  /** What a message is: an export request of OTLP in protobuf (`otlp_proto`, the default) or in JSON (`otlp_json`). */
  encoding?: 'otlp_proto' | 'otlp_json';
  /**
   * `batch` (the default): a message for each batch, without a key, to one partition after the other. `trace`: a message for each trace of the batch, with the trace's id (32 hexadecimal digits) as its key, so that all of a trace is in one partition: `partition_traces_by_id` of the Collector. Log records
   * without a trace go in one message without a key. Metrics have no traces.
   */
  partitionBy?: 'batch' | 'trace';
  /**
   * How a key becomes a partition: `fnv1a` (the default), as the Collector's exporter and Sarama do, or `murmur2`, as the Java client and the Collector's `hasher: murmur2` do. Whoever writes keyed messages into one topic must do it in the same way, or a trace is in two partitions.
   */
  keyHash?: 'fnv1a' | 'murmur2';
  /** How the broker's batches are compressed: `none` (the default), `gzip`, `snappy`, `lz4` or `zstd`. It runs on the main thread. */
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /**
   * The maximum of the bytes of a message, and of one request's messages together: 1 or more, default 1,000,000, as the Collector has it. Brokers take 1,048,588 by default (`message.max.bytes`). A larger message is divided; an item that is larger by itself is `tooLarge`.
   */
  maxMessageBytes?: number;
  /** How long one attempt may take, connecting and the answer of all replicas included, in milliseconds: 1 or more, or `Infinity`, default 10,000. */
  timeoutMillis?: number;
}

export type ToKafkaSettings = KafkaConnectionSettings &
  Readonly<Required<Omit<ToKafkaOptions<SignalName>, keyof KafkaConnectionOptions>>>;

export const TO_KAFKA_DEFAULTS: Readonly<Omit<ToKafkaSettings, 'brokers' | 'topic'>> = Object.freeze({
  ...KAFKA_CONNECTION_DEFAULTS,
  signal: 'traces',
  encoding: 'otlp_proto',
  partitionBy: 'batch',
  keyHash: 'fnv1a',
  compression: 'none',
  maxMessageBytes: 1_000_000,
  timeoutMillis: 10_000,
});

const TO_KAFKA_RULES: Rules<ToKafkaSettings> = {
  ...KAFKA_CONNECTION_RULES,
  topic: aName,
  signal: oneOf('traces', 'logs', 'metrics'),
  encoding: oneOf('otlp_proto', 'otlp_json'),
  partitionBy: (value, option, call) =>
    (call.isSet('signal', 'metrics') ? oneOf('batch') : oneOf('batch', 'trace'))(value, option, call),
  keyHash: oneOf('fnv1a', 'murmur2'),
  compression: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  maxMessageBytes: whole(1),
  timeoutMillis: millis(1, 'orInfinity'),
};

export const OWNER = 'toKafka';

export function toKafkaSettings(options: ToKafkaOptions<SignalName>): ToKafkaSettings {
  return settingsOf<ToKafkaSettings>(OWNER, TO_KAFKA_DEFAULTS, TO_KAFKA_RULES, options);
}
