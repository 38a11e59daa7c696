import type { Producer } from '@platformatic/kafka';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import { type Attempt, ExportError } from '../../model/sink.ts';
import { answerOf, answersIn, clientOptionsOf, errorsIn, isUnauthenticated, requireKafka } from '../../peers/kafka.ts';
import { kafkaFailureOf } from '../../strategies/kafkaFailure.ts';
import { fnv1aOf } from '../../strategies/keyHash.ts';
import { orAborted } from '../shared/orAborted.ts';
import { isRefused } from '../shared/refused.ts';
import { inRequests, type OtlpMessage } from './messages.ts';
import { OWNER, type ToKafkaSettings } from './options.ts';

/**
 * Within an attempt the producer itself sends again what was not answered, with the same sequence numbers, so that brokers recognise what they have. Only it can: the next attempt has other numbers.
 */
const RESENDS = 3;
const RESEND_DELAY_MILLIS = 200;

/** What the package says when there was no connection, so that nothing was sent. */
const UNCONNECTED =
  /^(Connection to \S+ (failed|timed out)|Connection ready timed out|Connection closed while waiting|Cannot get a connection|Cannot connect to any broker)/;

/** The producer of one sink. It sends one batch at a time. */
export class Production {
  readonly #settings: ToKafkaSettings;
  #producer: Producer | undefined;
  readonly #closing = new Set<Promise<void>>(); // producers that are not used any more

  constructor(settings: ToKafkaSettings) {
    this.#settings = settings;
  }

  /** Resolves when all replicas that are in sync have everything. When the signal aborts, what was sent may arrive nevertheless. */
  async send(messages: readonly OtlpMessage[], attempt: Attempt, signal: AbortSignal): Promise<void> {
    const { topic, brokers, maxMessageBytes } = this.#settings;
    const where = `${brokers[0]}/${topic}`;
    let isPartial = false;
    attempt.enter('connecting', where);
    try {
      const producer = this.#opened();
      await orAborted(producer.metadata({ topics: [topic] }), signal);
      attempt.enter('sending', where);
      for (const part of inRequests(messages, maxMessageBytes)) {
        signal.throwIfAborted();
        await orAborted(producer.send({ messages: part.map((message) => ({ topic, ...message })) }), signal);
        isPartial = true;
      }
    } catch (thrown) {
      if (signal.aborted) this.#giveUp();
      throw failureOf(thrown, isPartial, topic);
    }
  }

  async close(): Promise<void> {
    this.#giveUp();
    await Promise.all(this.#closing);
  }

  #opened(): Producer {
    this.#producer ??= this.#made();
    return this.#producer;
  }

  #made(): Producer {
    const { keyHash, compression, timeoutMillis } = this.#settings;
    const kafka = requireKafka(OWNER);
    const requestTimeout = Math.min(timeoutMillis, 60_000);
    const producer = new kafka.Producer({
      ...clientOptionsOf(this.#settings),
      idempotent: true, // with acks of all replicas
      compression,
      requestTimeout,
      timeout: requestTimeout,
      retries: RESENDS,
      retryDelay: RESEND_DELAY_MILLIS,
      autocreateTopics: false, // with one partition, mostly
      partitioner: partitionerOf(keyHash === 'fnv1a' ? fnv1aOf : (key) => kafka.murmur2(key) & 0x7fffffff),
    });
    return producer;
  }

  /** An aborted send cannot be taken back: its producer ends with it, and the next attempt gets another one. */
  #giveUp(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer === undefined) return;
    const closed = producer.close(true).then(
      () => {},
      () => {}, // it holds nothing that is waited for
    );
    this.#closing.add(closed);
    closed.finally(() => this.#closing.delete(closed));
  }
}

/** Messages without a key go to one partition after the other. */
function partitionerOf(hashOf: (key: Buffer) => number) {
  let turn = 0;
  return (_: unknown, key: Buffer | undefined): number => {
    if (key !== undefined) return hashOf(key);
    turn = (turn + 1) % 0x7fffffff;
    return turn;
  };
}

function failureOf(thrown: unknown, isPartial: boolean, topic: string): unknown {
  if (thrown instanceof SpanflowError) return thrown; // the package is missing
  const errors = [...errorsIn(thrown)];
  const answers = answersIn(thrown);
  const others = errors.filter((each) => answerOf(each) === undefined);
  const failure = kafkaFailureOf({
    answers,
    isUnconnected: others.every(({ message }) => UNCONNECTED.test(String(message))),
    isRefused: isRefused(thrown),
    isForbidden: others.some((each) => isUnauthenticated(each) || isOfClient(each.code)),
    isPartial,
  });
  const said = [...new Set(answers.length > 0 ? answers : errors.map(messageOf))].join(', ');
  return new ExportError(failure, `${OWNER} cannot write to ${topic}: ${said}`, { cause: thrown });
}

/** The client itself cannot do what it was told. */
function isOfClient(code: unknown): boolean {
  return typeof code === 'string' && /^PLT_KFK_(USER|UNSUPPORTED)/.test(code);
}
