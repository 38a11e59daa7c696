import type { Consumer } from '@platformatic/kafka';
import { answersIn, clientOptionsOf, requireKafka } from '../../peers/kafka.ts';
import { type FromKafkaSettings, STAGE } from './options.ts';

/** How long the members of a group are waited for before it is divided without them, beyond what they may wait for outcomes. */
const REJOIN_MILLIS = 10_000;
const HEARTBEATS_PER_SESSION = 3;

/** What a member was given. */
export interface Assignment {
  readonly memberId: string;
  /** It counts how often the group was divided. */
  readonly generation: number;
  readonly partitions: readonly number[];
}

/** Who is told of the group. */
export interface MemberOwner {
  /** The group is being divided anew: nothing that was given counts any more. */
  onRebalance(): void;
  /** Called before the member joins again: what it has to do with its partitions has to be done when this resolves. It does not reject. */
  beforeJoin(): Promise<void>;
  onAssigned(assignment: Assignment): void;
  onHeartbeat(): void;
  /** The member has not come back into the group. */
  onFailure(error: unknown): void;
}

/** Where messages are to be committed, and how far the group is. */
export type Offsets = ReadonlyMap<number, bigint>;

/**
 * A member of a consumer group, with the classic protocol, under which all partitions are given up at each rebalance ("eager"): so there is one moment at which what is out has to be settled.
 *
 * Each call is made once here (`retries: 0`): who calls knows whether to go on. The package would otherwise join again by itself within a commit, and commit under the new generation what belongs to somebody else by then.
 */
export class GroupMember {
  readonly #settings: FromKafkaSettings;
  readonly #consumer: Consumer;

  constructor(settings: FromKafkaSettings, owner: MemberOwner) {
    const { groupId, topic, sessionTimeoutMillis, rebalanceWaitMillis } = settings;
    const { Consumer } = requireKafka(STAGE);
    const rebalanceTimeout = Math.max(sessionTimeoutMillis, rebalanceWaitMillis + REJOIN_MILLIS);
    this.#settings = settings;
    const consumer = new Consumer({
      ...clientOptionsOf(settings),
      groupId,
      sessionTimeout: sessionTimeoutMillis,
      rebalanceTimeout,
      heartbeatInterval: sessionTimeoutMillis / HEARTBEATS_PER_SESSION / 2,
      protocols: [{ name: 'roundrobin', version: 1 }],
      protocolsMetadata: () => owner.beforeJoin().then(() => Buffer.alloc(0)),
      retries: 0,
      // Joining waits for all others.
      requestTimeout: rebalanceTimeout + REJOIN_MILLIS,
    });
    consumer.topics.track(topic);
    consumer.on('consumer:group:rebalance', () => owner.onRebalance());
    consumer.on('consumer:heartbeat:end', () => owner.onHeartbeat());
    consumer.on('error' as never, ((error: unknown) => owner.onFailure(error)) as never);
    consumer.on('consumer:group:join', ({ memberId, generationId = 0, assignments = [] }) => {
      const partitions = assignments.flatMap((given) => (given.topic === topic ? given.partitions : []));
      owner.onAssigned({ memberId, generation: generationId, partitions: partitions.toSorted((a, b) => a - b) });
    });
    this.#consumer = consumer;
  }

  /** Whether the group knows it: one that it has thrown out has to join as another. */
  get isKnown(): boolean {
    return this.#consumer.memberId !== null;
  }

  async join(): Promise<void> {
    await this.#consumer.joinGroup({});
  }

  async commit(offsets: Offsets): Promise<void> {
    const { topic } = this.#settings;
    const commits = [...offsets].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 }));
    await this.#consumer.commit({ offsets: commits });
  }

  /** Where these partitions go on: where the group is, or else where a new group begins. */
  async positions(partitions: readonly number[]): Promise<Offsets> {
    const { topic, startFrom } = this.#settings;
    if (partitions.length === 0) return new Map();
    const asked = [...partitions];
    const committed = await this.#consumer.listCommittedOffsets({ topics: [{ topic, partitions: asked }] });
    const known = partitions.map((partition) => [partition, committed.get(topic)?.[partition] ?? -1n] as const);
    const fresh = known.flatMap(([partition, offset]) => (offset < 0n ? [partition] : []));
    const begun = await this.ends(fresh, startFrom);
    return new Map([...known, ...begun]);
  }

  /** The first or the next offset of partitions. */
  async ends(partitions: readonly number[], end: 'earliest' | 'latest'): Promise<Offsets> {
    const { topic } = this.#settings;
    if (partitions.length === 0) return new Map();
    const timestamp = end === 'earliest' ? -2n : -1n;
    const asked = { [topic]: [...partitions] };
    const offsets = await this.#consumer.listOffsets({ topics: [topic], partitions: asked, timestamp });
    return new Map(partitions.map((partition) => [partition, offsets.get(topic)?.[partition] ?? 0n]));
  }

  /** Leaves the group, so that others have its partitions at once, and closes the connections. */
  async close(): Promise<void> {
    try {
      await this.#consumer.leaveGroup(true);
    } finally {
      await this.#consumer.close(true);
    }
  }
}

/** Whether the group has thrown the member out, or has been divided since: what it has is somebody else's. */
export function isOutdated(error: unknown): boolean {
  const OUTDATED = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];
  return answersIn(error).some((answer) => OUTDATED.includes(answer));
}
