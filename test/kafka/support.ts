import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Consumer, type Message, Producer } from '@platformatic/kafka';
import { afterAll, onTestFinished } from 'vitest';
import type { FromKafkaOptions, KafkaInput, SignalItems, SignalName, ToKafkaOptions } from '../../src/kafka.ts';
import { fromKafka, toKafka } from '../../src/kafka.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { ObservableSink } from '../../src/model/sink.ts';
import { spanWith } from '../support/spans.ts';
import { Broker, kafkaJars, NoBroker } from './broker.ts';

/** The broker of a test file; `undefined`, loudly, where there is no Java, or no Kafka to be had. */
export async function brokerOfFile(): Promise<Broker | undefined> {
  try {
    const broker = await Broker.start(await kafkaJars());
    afterAll(() => broker.remove());
    return broker;
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    console.warn(`NO KAFKA: nothing is tested against a real broker, because ${error.message}.`);
    return undefined;
  }
}

/** Groups that are given up soon: nobody measures time. */
const SWIFT = {
  sessionTimeoutMillis: 6_000,
  rebalanceWaitMillis: 3_000,
  commitIntervalMillis: 50,
  retryDelayMillis: 50,
};

export function openInput<S extends SignalName = 'traces'>(
  broker: Broker,
  options: Omit<FromKafkaOptions<S>, 'brokers'>,
): KafkaInput<SignalItems[S]> {
  const input = fromKafka<S>({ ...SWIFT, ...options, brokers: [broker.address] } as FromKafkaOptions<S>);
  onTestFinished(() => input.shutdown({ timeoutMillis: 0 }).catch(() => {}));
  return input;
}

export function openSink<S extends SignalName = 'traces'>(
  broker: Broker,
  options: Omit<ToKafkaOptions<S>, 'brokers'>,
): ObservableSink<SignalItems[S]> {
  const sink = toKafka<S>({ timeoutMillis: 60_000, ...options, brokers: [broker.address] } as ToKafkaOptions<S>);
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

export function spanNamed(name: string, traceId = 'a'.repeat(32)): ReadableSpan {
  return spanWith({ name, spanContext: () => ({ traceId, spanId: '00000000000000aa', traceFlags: 1 }) });
}

/** Writes messages as another producer does. */
export async function produce(
  broker: Broker,
  topic: string,
  messages: readonly { key?: Buffer; value: Buffer; partition?: number }[],
): Promise<void> {
  const producer = new Producer({
    clientId: 'other',
    bootstrapBrokers: [broker.address],
    retries: 30,
    retryDelay: 200,
  });
  try {
    await producer.send({ messages: messages.map((message) => ({ topic, ...message })), acks: -1 });
  } finally {
    await producer.close();
  }
}

/** Reads messages as another consumer does: so many, from the beginning. */
export async function consumed(broker: Broker, topic: string, count: number): Promise<Message[]> {
  const consumer = new Consumer({
    clientId: 'other',
    groupId: `other ${topic}`.replaceAll(' ', '-'),
    bootstrapBrokers: [broker.address],
    retries: 30,
    retryDelay: 200,
  });
  const messages: Message[] = [];
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
    for await (const message of stream) {
      messages.push(message);
      if (messages.length === count) break;
    }
    return messages;
  } finally {
    await consumer.close(true);
  }
}

/** How far a group has committed, by partition; -1 where it has not. */
export async function committed(broker: Broker, topic: string, groupId: string, partitions: number): Promise<number[]> {
  const consumer = new Consumer({
    clientId: 'other',
    groupId,
    bootstrapBrokers: [broker.address],
    retries: 30,
    retryDelay: 200,
  });
  consumer.topics.track(topic);
  try {
    const asked = Array.from({ length: partitions }, (_, partition) => partition);
    const offsets = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: asked }] });
    return asked.map((partition) => Number(offsets.get(topic)?.[partition] ?? -1n));
  } finally {
    await consumer.close(true);
  }
}

/** What has been emitted, and a wait for more. */
export class Collected<T> {
  readonly batches: Batch<T>[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (batch: Batch<T>): void => {
    this.batches.push(batch);
    for (const check of [...this.#waiting]) check();
  };

  get items(): T[] {
    return this.batches.flatMap(({ items }) => items);
  }

  /** Resolves when it holds. Each batch asks again. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting = this.#waiting.filter((other) => other !== check);
        resolve();
      };
      this.#waiting.push(check);
      check();
    });
  }
}
