export type { KafkaInput, KafkaInputStats, PoisonMessage } from './api.ts';
export { fromKafka } from './fromKafka.ts';
export type { FromKafkaOptions } from './options.ts';
