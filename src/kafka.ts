/**
 * Kafka, in the formats of the OpenTelemetry Collector's Kafka exporter and receiver: a sink and an input. It needs the package `@platformatic/kafka`.
 *
 * @module spanflow/kafka
 */

import './internal/requireNode.ts';

export {
  type FromKafkaOptions,
  fromKafka,
  type KafkaInput,
  type KafkaInputStats,
  type PoisonMessage,
} from './inputs/fromKafka/index.ts';
export type { SignalItems, SignalName } from './model/signal.ts';
export type { KafkaConnectionOptions, KafkaSaslOptions } from './peers/kafkaOptions.ts';
export type { ToKafkaOptions } from './sinks/toKafka/options.ts';
export { toKafka } from './sinks/toKafka/toKafka.ts';
