import type { Failure } from '../model/sink.ts';

/** What is known of a send to Kafka that failed. */
export interface KafkaFacts {
  /** What the brokers answered, by the names of the protocol: `NOT_ENOUGH_REPLICAS`. */
  readonly answers: readonly string[];
  /** Whether there was no connection at the last, so that this send has certainly not arrived. */
  readonly isUnconnected: boolean;
  /** Whether nothing listens at the addresses. */
  readonly isRefused: boolean;
  /** Whether the brokers do not let the client in, or the client cannot do what it was told. */
  readonly isForbidden: boolean;
  /** Whether a part of the batch was acknowledged before. */
  readonly isPartial: boolean;
}

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** The broker has refused the records for the time being, and keeps nothing of them. */
const REFUSED_FOR_NOW = new Set([
  ...['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH'],
  ...['NOT_ENOUGH_REPLICAS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'BROKER_NOT_AVAILABLE'],
  ...['KAFKA_STORAGE_ERROR', 'THROTTLING_QUOTA_EXCEEDED', 'REPLICA_NOT_AVAILABLE', 'UNKNOWN_TOPIC_ID'],
]);

/** The broker may have written the records, or does not say. */
const UNCLEAR = new Set([
  ...['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'NETWORK_EXCEPTION', 'UNKNOWN_SERVER_ERROR'],
  ...['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'DUPLICATE_SEQUENCE_NUMBER', 'INVALID_PRODUCER_EPOCH'],
]);

/** What a failed send means for its batch. */
export function kafkaFailureOf(facts: KafkaFacts): Failure {
  const { answers, isUnconnected, isRefused, isForbidden, isPartial } = facts;
  if (answers.some((answer) => TOO_LARGE.has(answer))) return { kind: 'tooLarge' };
  if (isForbidden) return { kind: 'permanent', mayHaveArrived: isPartial };
  if (answers.some((answer) => UNCLEAR.has(answer))) return { kind: 'unknownOutcome' };
  if (answers.length > 0 && !answers.every((answer) => REFUSED_FOR_NOW.has(answer)))
    return { kind: 'permanent', mayHaveArrived: isPartial };
  if (isPartial || (answers.length === 0 && !isUnconnected)) return { kind: 'unknownOutcome' };
  return { kind: 'retryable', connectionRefused: isRefused };
}
