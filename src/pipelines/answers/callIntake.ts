import { measure } from '../../flow/boundedQueue.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import type { BoundedChannel, EntryResult } from '../../inputs/channel/channel.ts';
import type { ChannelSettings } from '../../inputs/channel/options.ts';
import type { Account } from '../../ledger/account.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import type { TrackedItem } from '../../strategies/itemTally.ts';
import type { ExportCall } from './exportCall.ts';

/** Lets the items of each call into the queue, one after the other. Calls wait for room, in turns, within the budget of memory. */
export class CallIntake<T> {
  readonly #channel: BoundedChannel<TrackedItem<T>>;
  readonly #settings: ChannelSettings<TrackedItem<T>>;
  readonly #reporter: StageReporter<never>;
  readonly #waitingMemory: MemoryAccount; // of calls that wait for room
  readonly #entering = new Set<Promise<void>>(); // calls whose items are not all in
  #giveUps = 0; // how often the waiting calls were given up

  constructor(channel: BoundedChannel<TrackedItem<T>>, settings: ChannelSettings<TrackedItem<T>>, account: Account) {
    this.#channel = channel;
    this.#settings = settings;
    this.#reporter = new StageReporter(account, settings);
    this.#waitingMemory = (settings.memory ?? processMemory()).open(this);
  }

  enter(call: ExportCall, items: readonly T[]): void {
    // A copy: the caller may go on using the array while the call waits for room.
    const entering = this.#enter(call, items.slice());
    const forget = () => this.#entering.delete(entering);
    this.#entering.add(entering);
    entering.then(forget, forget);
  }

  /** Resolves when the items of each call so far are in the queue or refused. */
  async allEntered(): Promise<void> {
    await Promise.all(this.#entering);
  }

  refuse(call: ExportCall, items: number, reason: LossReason): void {
    if (items === 0) return;
    const { account } = this.#reporter;
    account.refuse(items, reason);
    account.tellLoss({ count: items, reason, stage: account.stage });
    this.#lose(call, items, reason);
  }

  /** What is queued is lost, and calls that wait for room are refused. Calls that come later are accepted again. */
  giveUp(): TrackedItem<T>[] {
    this.#giveUps += 1;
    return this.#channel.giveUp();
  }

  close(): void {
    this.#waitingMemory.close();
  }

  async #enter(call: ExportCall, items: readonly T[]): Promise<void> {
    const giveUps = this.#giveUps;
    let waitingBytes: number | undefined; // taken for what waits, once something does
    try {
      for (const [index, item] of items.entries()) {
        const entered = this.#channel.admit({ item, tally: call.tally }, call.signal);
        const mustWait = typeof entered !== 'string';
        if (mustWait) waitingBytes ??= this.#takeToWait(call, items, index);
        const rest = items.length - index - 1;
        if (mustWait && waitingBytes === 0) {
          this.refuse(call, rest, 'queueFull');
          // Not awaited here, where the other items would be kept until then.
          return this.#lastOne(call, entered);
        }
        const result = mustWait ? await entered : entered;
        if (result === 'aborted') return;
        if (result !== 'accepted') this.#lose(call, 1, reasonOf(result));
        // It was given up while this item waited: the rest has found no room either.
        if (giveUps !== this.#giveUps) return this.refuse(call, rest, 'queueFull');
      }
    } finally {
      if (waitingBytes !== undefined) this.#waitingMemory.give(waitingBytes);
    }
  }

  async #lastOne(call: ExportCall, entered: Promise<EntryResult>): Promise<void> {
    const result = await entered;
    if (result !== 'accepted' && result !== 'aborted') this.#lose(call, 1, reasonOf(result));
  }

  /** Takes memory for the items of a call that have to wait for room. Returns the bytes, or 0 if the budget has no room for them. */
  #takeToWait(call: ExportCall, items: readonly T[], from: number): number {
    let bytes = 0;
    for (let index = from; index < items.length; index += 1) {
      const tracked = { item: items[index] as T, tally: call.tally };
      bytes += heapBytesOf(1, measure(tracked, this.#settings.sizeOf, this.#reporter));
    }
    return this.#waitingMemory.take(bytes) ? bytes : 0;
  }

  #lose(call: ExportCall, items: number, reason: LossReason): void {
    call.lose(items, reason, this.#reporter.account.stage);
  }
}

function reasonOf(result: Exclude<EntryResult, 'accepted' | 'aborted'>): LossReason {
  return result === 'stalled' ? 'queueFull' : result;
}
