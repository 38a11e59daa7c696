import { Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import { PartitionOffsets } from '../../strategies/partitionOffsets.ts';
import type { Counts } from './counts.ts';
import { type Assignment, GroupMember, type MemberOwner, type Offsets } from './groupMember.ts';
import type { FromKafkaSettings } from './options.ts';

/** A partition that the group has given to this member. */
export interface Partition {
  readonly number: number;
  offsets: PartitionOffsets;
  /** It is not read until then. */
  pausedUntilMillis: number;
}

/** Who reads what the group has given. */
export interface MembershipOwner {
  /** The group is about to be divided anew: has what is out settled, and commits it. It is bounded, and does not reject. */
  settle(): Promise<void>;
  changed(): void;
  failed(error: unknown): void;
}

/** Which partitions are read here, and from where. */
export class Membership implements MemberOwner {
  readonly #settings: FromKafkaSettings;
  readonly #counts: Counts;
  readonly #owner: MembershipOwner;
  readonly #member: GroupMember;
  readonly #life = new Subscription();
  #partitions: Map<number, Partition> = new Map();
  #assignment: Assignment | undefined; // the last one
  #assignments = 0; // begun
  #reading = 0; // counts changes of where is read: what was asked for before such a change does not count
  #isAssigned = false;
  #isJoining = false;
  #heardMillis = 0; // when the group answered last

  constructor(settings: FromKafkaSettings, counts: Counts, owner: MembershipOwner) {
    this.#settings = settings;
    this.#counts = counts;
    this.#owner = owner;
    this.#member = new GroupMember(settings, this);
  }

  /** In ascending order. While the group is being divided, those that were read before. */
  get partitions(): ReadonlyMap<number, Partition> {
    return this.#partitions;
  }

  /** Whether the partitions may be read: the group has given them, and has been heard of since it could have thrown this member out. */
  get isAssigned(): boolean {
    const { scheduler, sessionTimeoutMillis } = this.#settings;
    return this.#isAssigned && scheduler.now() - this.#heardMillis < sessionTimeoutMillis;
  }

  get reading(): number {
    return this.#reading;
  }

  /** Whether what was asked for in this reading may be emitted. */
  isCurrent(reading: number): boolean {
    return reading === this.#reading && this.isAssigned;
  }

  /** Where is read has changed. */
  readAnew(): void {
    this.#reading += 1;
    this.#owner.changed();
  }

  /** Tries until it is in the group, or stopped. */
  async join(): Promise<void> {
    if (this.#isJoining) return;
    this.#isJoining = true;
    while (!this.#life.closed) {
      try {
        await this.#member.join();
        break;
      } catch (thrown) {
        this.#owner.failed(thrown);
        await this.#pause();
      }
    }
    this.#isJoining = false;
  }

  commit(offsets: Offsets): Promise<void> {
    return this.#member.commit(offsets);
  }

  /** The broker does not have what comes next any more, or not yet: it goes on with the first message that there is, or behind the last. */
  async reposition(numbers: readonly number[]): Promise<void> {
    const reading = this.#reading;
    const first = await this.#member.ends(numbers, 'earliest');
    const last = await this.#member.ends(numbers, 'latest');
    if (!this.isCurrent(reading)) return;
    for (const number of numbers) {
      const partition = this.#partitions.get(number);
      const [from = 0n, to = 0n] = [first.get(number), last.get(number)];
      if (partition === undefined) continue;
      partition.offsets.skipTo(from);
      if (partition.offsets.position > to) partition.offsets = new PartitionOffsets(to);
    }
    this.readAnew();
  }

  stop(): void {
    this.#life.unsubscribe();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#member.close();
  }

  onRebalance(): void {
    if (!this.#isAssigned) return;
    this.#isAssigned = false;
    this.#counts.rebalances += 1;
    this.readAnew();
  }

  async beforeJoin(): Promise<void> {
    this.onRebalance();
    if (!this.#member.isKnown) this.#partitions = new Map();
    else if (this.#partitions.size > 0) await this.#owner.settle();
  }

  onAssigned(assignment: Assignment): void {
    const before = this.#assignment;
    // Nobody else had them in between: what is out of them is still ours.
    const isNext = before?.memberId === assignment.memberId && before.generation + 1 === assignment.generation;
    const kept = isNext ? assignment.partitions.filter((number) => this.#partitions.has(number)) : [];
    this.#assignment = assignment;
    this.#assignments += 1;
    this.onHeartbeat();
    this.#assign(this.#assignments, assignment.partitions, kept);
  }

  onHeartbeat(): void {
    const wasAssigned = this.isAssigned;
    this.#heardMillis = this.#settings.scheduler.now();
    if (!wasAssigned && this.isAssigned) this.#owner.changed();
  }

  onFailure(error: unknown): void {
    this.#owner.failed(error);
    this.onRebalance();
    this.#pause().then(() => this.join());
  }

  /** Asks where to go on until that is known, or the group is divided anew. */
  async #assign(turn: number, numbers: readonly number[], kept: readonly number[]): Promise<void> {
    const held = new Map(kept.map((number) => [number, this.#partitions.get(number)]));
    this.#partitions = new Map(held as Map<number, Partition>);
    const fresh = numbers.filter((number) => !held.has(number));
    while (!this.#life.closed && turn === this.#assignments) {
      try {
        const positions = await this.#member.positions(fresh);
        if (turn === this.#assignments) this.#assigned(numbers, positions);
        return;
      } catch (thrown) {
        this.#owner.failed(thrown);
        await this.#pause();
      }
    }
  }

  #assigned(numbers: readonly number[], positions: Offsets): void {
    const before = this.#partitions;
    const partitionOf = (number: number): Partition =>
      before.get(number) ?? {
        number,
        offsets: new PartitionOffsets(positions.get(number) ?? 0n),
        pausedUntilMillis: 0,
      };
    this.#partitions = new Map(numbers.map((number) => [number, partitionOf(number)]));
    this.#isAssigned = true;
    this.readAnew();
  }

  #pause(): Promise<void> {
    return pauseOf(this.#settings, this.#life);
  }
}

/** Waits after a failure, or until the reader is unsubscribed. */
export function pauseOf({ scheduler, retryDelayMillis }: FromKafkaSettings, reader: Subscription): Promise<void> {
  return new Promise((resolve) => {
    const wait = new Subscription();
    wait.add(after(scheduler, retryDelayMillis, () => wait.unsubscribe()));
    wait.add(() => {
      reader.remove(wait);
      resolve();
    });
    reader.add(wait);
  });
}
