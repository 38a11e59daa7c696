// Another client of the broker, which knows nothing of src.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Consumer, type Message, Producer } from '@platformatic/kafka';
import { spanWith } from '../support/spans.ts';
import type { Broker } from './broker.ts';

export function spanNamed(name: string, traceId = 'a'.repeat(32)): ReadableSpan {
  return spanWith({ name, spanContext: () => ({ traceId, spanId: '00000000000000aa', traceFlags: 1 }) });
}

/** Writes messages as another producer does. */
export async function produce(
  broker: Broker,
  topic: string,
  messages: readonly { key?: Buffer; value: Buffer; partition?: number }[],
): Promise<void> {
  // Idempotent: what is sent again while the leaders of a new topic are found would be there twice.
  const given = { clientId: 'other', bootstrapBrokers: [broker.address], retries: 30, retryDelay: 200 };
  const producer = new Producer({ ...given, idempotent: true });
  try {
    await producer.send({ messages: messages.map((message) => ({ topic, ...message })) });
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
