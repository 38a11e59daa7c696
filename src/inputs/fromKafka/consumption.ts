import { type Subscriber, Subscription } from 'rxjs';
import { isThenable } from '../../internal/runGuarded.ts';
import { after, keepingAlive } from '../../internal/timers.ts';
import { warn } from '../../internal/tracingSuppression.ts';
import { withinTime } from '../../internal/withinTime.ts';
import type { Account } from '../../ledger/account.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import { answersIn } from '../../peers/kafka.ts';
import type { OpenOffset } from '../../strategies/partitionOffsets.ts';
import { comesAgain } from '../../strategies/redelivery.ts';
import type { BatchEnd, Demand } from '../shared/demand.ts';
import { ITEMS_PER_TURN, nextTurn } from '../shared/gateWait.ts';
import { Commits } from './commits.ts';
import { ownBytes, readerOf } from './contents.ts';
import type { Counts } from './counts.ts';
import { Membership, type Partition, pauseOf } from './membership.ts';
import { type FromKafkaSettings, STAGE } from './options.ts';
import { Outgoing } from './outgoing.ts';
import { type Fetched, type Message, TopicReader } from './topicReader.ts';

/** How long a broker that does not answer is waited for when the group is left: it notices by itself. */
const CLOSE_MILLIS = 5_000;

/** What a fetch has brought. */
interface Result {
  /** The reading that it belongs to: of another one it does not count. */
  readonly reading: number;
  /** The broker. */
  readonly node: number;
  readonly fetched: readonly Fetched[];
}

/** One subscription: a member of the group, what it reads, and what is out. */
export class Consumption<T> {
  readonly #settings: FromKafkaSettings;
  readonly #counts: Counts;
  readonly #reading = new Subscription(); // closed: nothing is read any more
  readonly #read: (content: Uint8Array) => readonly unknown[];
  readonly #outgoing: Outgoing<T>;
  readonly #membership: Membership;
  readonly #commits: Commits;
  readonly #reader: TopicReader;
  readonly #fetching = new Set<number>(); // brokers that have been asked, until what they sent has been taken
  readonly #results: Result[] = []; // that have not been looked at: one for each broker at most
  #wake: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: FromKafkaSettings, subscriber: Subscriber<Batch<T>>, account: Account, counts: Counts) {
    this.#settings = settings;
    this.#counts = counts;
    this.#read = readerOf(settings.signal, settings.encoding);
    this.#outgoing = new Outgoing(settings, subscriber, account, this.#reading);
    this.#reader = new TopicReader(settings);
    this.#membership = new Membership(settings, counts, {
      settle: () => this.#settleForRebalance(),
      changed: () => this.#changed(),
      failed: (error) => this.#failed(error),
    });
    this.#commits = new Commits(settings, counts, this.#membership, (error) => this.#failed(error));
    this.#reading.add(() => this.#changed());
  }

  get partitions(): readonly number[] {
    return this.#membership.isAssigned ? [...this.#membership.partitions.keys()] : [];
  }

  get out(): Demand<T>['out'] {
    return this.#outgoing.demand.out;
  }

  /** Joins the group, and reads until it is stopped. */
  async run(): Promise<void> {
    this.#membership.join();
    while (!this.#reading.closed) {
      await this.#outgoing.demand.next(1);
      if (this.#reading.closed) return;
      await this.#ask();
      const result = this.#results.shift();
      if (result !== undefined) {
        await this.#take(result);
        this.#fetching.delete(result.node);
      } else if (!this.#reading.closed) await this.#change();
    }
  }

  /** Emits no more. */
  stop(): void {
    this.#reading.unsubscribe();
    this.#membership.stop();
  }

  /** Everything that was emitted before has its outcome, and what may be committed is. */
  async flush(urgency: FlushUrgency): Promise<void> {
    await this.#outgoing.flushed(urgency);
    await this.#commits.commit();
  }

  /** Commits what is settled, leaves the group, and closes the connections. It is bounded, and does not reject. */
  close(): Promise<void> {
    this.stop();
    const inTime = (onLate: () => void) => keepingAlive(this.#settings.scheduler, CLOSE_MILLIS, onLate);
    this.#closed ??= withinTime(
      inTime,
      () => this.#close(),
      () => {},
    );
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#commits.close();
    await Promise.allSettled([this.#membership.close(), this.#reader.close()]);
  }

  /** Asks each broker that has partitions of ours and has not been asked. */
  async #ask(): Promise<void> {
    const { partitions, isAssigned, reading } = this.#membership;
    const now = this.#settings.scheduler.now();
    const due = [...partitions.values()].filter(({ pausedUntilMillis }) => pausedUntilMillis <= now);
    if (!isAssigned || due.length === 0 || this.#results.length > 0) return;
    try {
      const leaders = await this.#reader.leaders(due.map(({ number }) => number));
      for (const [node, numbers] of leaders) if (!this.#fetching.has(node)) this.#fetch(node, numbers, reading);
    } catch (thrown) {
      await this.#fetchFailed(thrown);
    }
  }

  #fetch(node: number, numbers: readonly number[], reading: number): void {
    const positions = new Map<number, bigint>();
    for (const number of numbers) {
      const partition = this.#membership.partitions.get(number);
      if (partition !== undefined) positions.set(number, partition.offsets.position);
    }
    if (positions.size === 0 || !this.#membership.isCurrent(reading)) return;
    this.#fetching.add(node);
    this.#reader
      .fetch(node, positions)
      .then(
        (fetched) => {
          this.#results.push({ reading, node, fetched });
        },
        async (thrown: unknown) => {
          await this.#fetchFailed(thrown, [...positions.keys()]);
          this.#fetching.delete(node);
        },
      )
      .finally(() => this.#changed());
  }

  /** Who leads is asked again, a while later. It does not reject. */
  async #fetchFailed(thrown: unknown, numbers: readonly number[] = []): Promise<void> {
    if (this.#reading.closed) return;
    this.#failed(thrown);
    this.#reader.forget();
    await pauseOf(this.#settings, this.#reading);
    if (!answersIn(thrown).includes('OFFSET_OUT_OF_RANGE')) return;
    await this.#membership.reposition(numbers).catch((error: unknown) => this.#failed(error));
  }

  async #take({ reading, fetched }: Result): Promise<void> {
    let taken = 0;
    for (const { partition: number, messages, next } of fetched) {
      for (const message of messages) {
        const bytes = message.value?.length ?? 0;
        if (!this.#outgoing.demand.admits(bytes)) await this.#outgoing.demand.next(bytes);
        taken += 1;
        if (taken % ITEMS_PER_TURN === 0) await nextTurn();
        const partition = this.#current(reading, number);
        if (partition === undefined) return;
        await this.#message(partition, message);
      }
      this.#current(reading, number)?.offsets.skipTo(next);
    }
    this.#commits.schedule();
  }

  /** A partition that is still being read as it was when it was asked for. */
  #current(reading: number, number: number): Partition | undefined {
    const isRead = !this.#reading.closed && this.#membership.isCurrent(reading);
    return isRead ? this.#membership.partitions.get(number) : undefined;
  }

  /** Returns a promise only where there is something to wait for. */
  #message(partition: Partition, { offset, key, value }: Message): Promise<void> | undefined {
    this.#counts.messages += 1;
    const opened = partition.offsets.begin(offset);
    const content = value && ownBytes(value);
    let items: readonly unknown[] = [];
    try {
      if (content !== undefined) items = this.#read(content);
    } catch (thrown) {
      return this.#setAside(partition, opened, { key, value: content ?? Buffer.alloc(0) }, thrown);
    }
    if (items.length > 0) {
      const bytes = content?.length ?? 0;
      this.#outgoing.emit(items as readonly T[], bytes, (end) => this.#ended(partition, opened, end));
    } else {
      this.#counts.empty += 1;
      partition.offsets.settle(opened);
    }
    return undefined;
  }

  #ended(partition: Partition, opened: OpenOffset, end: BatchEnd): void {
    if (end === 'handedOn' || !comesAgain(end)) {
      partition.offsets.settle(opened);
      this.#commits.schedule();
      return;
    }
    // What was lost because this subscription ends stays as it is: uncommitted.
    if (this.#reading.closed || !partition.offsets.rewind(opened)) return;
    this.#counts.rewound += 1;
    partition.pausedUntilMillis = this.#settings.scheduler.now() + this.#settings.retryDelayMillis;
    this.#membership.readAnew();
  }

  /** No message blocks its partition, whatever becomes of it. */
  async #setAside(
    partition: Partition,
    opened: OpenOffset,
    message: { key: Buffer | undefined; value: Buffer },
    thrown: unknown,
  ): Promise<void> {
    const { topic, onPoison, rebalanceWaitMillis, scheduler } = this.#settings;
    const error =
      thrown instanceof SpanflowError
        ? thrown
        : new SpanflowError('MALFORMED_MESSAGE', messageOf(thrown), { cause: thrown });
    const where = { topic, partition: partition.number, offset: opened.offset };
    if (this.#counts.poison === 0)
      warn(
        `spanflow: ${STAGE} sets aside messages of ${topic} that cannot be read; the first, ${where.offset} of partition ${where.partition}: ${error.message}`,
      );
    this.#counts.poison += 1;
    let answer: unknown;
    this.#outgoing.reporter.guard(() => {
      answer = onPoison?.({ ...where, ...message, error });
      return answer;
    });
    if (isThenable(answer)) {
      const over = Promise.resolve(answer).then(
        () => {},
        () => {},
      );
      await withinTime(
        (onLate) => after(scheduler, rebalanceWaitMillis, onLate),
        () => over,
        () => {},
      );
    }
    partition.offsets.settle(opened);
  }

  /** Before the group is divided anew. */
  async #settleForRebalance(): Promise<void> {
    const { rebalanceWaitMillis, scheduler } = this.#settings;
    const flush = () => this.flush({ timeoutMillis: rebalanceWaitMillis, isEnding: false });
    await withinTime(
      (onLate) => after(scheduler, rebalanceWaitMillis, onLate),
      flush,
      () => {},
    );
    await this.#commits.commit();
  }

  #failed(error: unknown): void {
    if (this.#reading.closed) return;
    if (this.#counts.failures === 0)
      warn(`spanflow: ${STAGE} tries again what failed at the brokers; the first: ${messageOf(error)}`);
    this.#counts.failures += 1;
  }

  /** Resolves when something has changed, or a while later. */
  #change(): Promise<void> {
    const { scheduler, retryDelayMillis } = this.#settings;
    return new Promise((resolve) => {
      const timer = after(scheduler, retryDelayMillis, resolve);
      this.#wake = () => {
        timer.unsubscribe();
        resolve();
      };
    });
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
