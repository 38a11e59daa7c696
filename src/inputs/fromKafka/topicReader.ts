import type { Consumer } from '@platformatic/kafka';
import { clientOptionsOf, requireKafka } from '../../peers/kafka.ts';
import { type FromKafkaSettings, STAGE } from './options.ts';

/** How long a broker waits for messages when it has none. */
const MAX_WAIT_MILLIS = 500;
const REQUEST_TIMEOUT_MILLIS = 30_000;
/** In the attributes of the broker's batches: written by a transaction's end, and no message. */
const IS_CONTROL = 1 << 5;

export interface Message {
  readonly offset: bigint;
  readonly key: Buffer | undefined;
  /** `undefined`: a tombstone. */
  readonly value: Buffer | undefined;
}

/** What came of one partition. */
export interface Fetched {
  readonly partition: number;
  readonly messages: readonly Message[];
  /** Behind everything that was looked at. */
  readonly next: bigint;
}

/** Fetches messages, over connections of its own: a fetch that waits must not hold up heartbeats. */
export class TopicReader {
  readonly #settings: FromKafkaSettings;
  readonly #consumer: Consumer;

  constructor(settings: FromKafkaSettings) {
    const { Consumer } = requireKafka(STAGE);
    this.#settings = settings;
    this.#consumer = new Consumer({
      ...clientOptionsOf(settings),
      groupId: settings.groupId, // which it never joins
      retries: 0,
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
    });
    this.#consumer.topics.track(settings.topic);
    this.#consumer.on('error' as never, (() => {}) as never);
  }

  /** The broker of each partition. */
  async leaders(partitions: Iterable<number>): Promise<Map<number, number[]>> {
    const { topic } = this.#settings;
    const metadata = await this.#consumer.metadata({ topics: [topic] });
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    return byLeader;
  }

  /** Resolves with what has come, at the latest after some half a second with nothing. */
  async fetch(node: number, positions: ReadonlyMap<number, bigint>): Promise<Fetched[]> {
    const { topic, maxFetchBytes } = this.#settings;
    const metadata = await this.#consumer.metadata({ topics: [topic] });
    const topicId = metadata.topics.get(topic)?.id ?? '';
    const partitions = [...positions].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: maxFetchBytes,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    }));
    const asked = { node, topics: [{ topicId, partitions }], minBytes: 1 };
    const answer = await this.#consumer.fetch({ ...asked, maxBytes: maxFetchBytes, maxWaitTime: MAX_WAIT_MILLIS });
    return answer.responses.flatMap((response) =>
      response.partitions.flatMap(({ partitionIndex, records }) => {
        const from = positions.get(partitionIndex);
        // A broker may still send partitions that an earlier request asked for.
        return from === undefined || !records ? [] : [fetchedOf(partitionIndex, records, from)];
      }),
    );
  }

  /** Who leads a partition is asked again. */
  forget(): void {
    this.#consumer.clearMetadata();
  }

  async close(): Promise<void> {
    await this.#consumer.close(true);
  }
}

type Records = NonNullable<
  Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]['records']
>;

function fetchedOf(partition: number, batches: Records, from: bigint): Fetched {
  const messages: Message[] = [];
  let next = from;
  for (const { firstOffset, lastOffsetDelta, attributes, records } of batches) {
    const behind = firstOffset + BigInt(lastOffsetDelta) + 1n;
    if (behind > next) next = behind;
    if (attributes & IS_CONTROL) continue;
    for (const { offsetDelta, key, value } of records) {
      const offset = firstOffset + BigInt(offsetDelta);
      // The broker's batches come whole, also those that have been read in part.
      if (offset >= from) messages.push({ offset, key: key ?? undefined, value: value ?? undefined });
    }
  }
  return { partition, messages, next };
}
