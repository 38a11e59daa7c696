import { settingsOf, shape, whole } from '../internal/validation.ts';
import { heapLimitBytes } from './heapLimit.ts';

/**
 * The memory of an item without its content. Bare spans of SDK 3 and 2 take 975 and 995 bytes, and their places in the queues a few more.
 *
 * `node --expose-gc test/process/programs/heap.ts` compares the whole estimate, this and {@link HEAP_PER_WIRE_BYTE}, with what spans of both SDKs and received spans take. The estimate is between 0.71 times (a hundred short
 * attributes) and 2.12 times (received spans with few short attributes; of the SDKs' spans 1.99, long strings) of what was measured, and 1.5 times for ten short attributes. A test holds it between 0.65 and 2.3.
 *
 * A string that was cut out of a longer one keeps the longer one in memory, and a program cannot see that: spans of such strings took 1.6 times the estimate, and may take more. That is one reason why the default budget is
 * no more than a quarter of the heap.
 */
export const ITEM_HEAP_BYTES = 1_024;

/** Heap bytes for each byte on the wire, as `estimateItemBytes` counts them: long strings of Latin-1 take 1, other strings 2, short values with their keys up to 3. */
const HEAP_PER_WIRE_BYTE = 2;

/** The part of the heap that the pipelines of a process may fill, unless they are given budgets of their own. */
const DEFAULT_HEAP_RATIO = 0.25;

/** The estimated memory of `items` items that take `wireBytes` on the wire together. */
export function heapBytesOf(items: number, wireBytes: number): number {
  return items * ITEM_HEAP_BYTES + HEAP_PER_WIRE_BYTE * wireBytes;
}

/** The options of {@link memoryBudget}. */
export interface MemoryBudgetOptions {
  /** The maximum of the estimated bytes in memory of everything that shares this budget: 65,536 or more. More rides out longer outages. */
  maxBytes: number;
}

/** A limit of memory that several queues share. */
export interface MemoryBudget {
  /** The limit, in estimated bytes. */
  readonly maxBytes: number;
  /** What is held now. Bodies of requests are counted and never refused, so this may be more than `maxBytes` for a while. */
  readonly usedBytes: number;
  /** @internal Opens an account. One that never refuses needs no reserved part, and has none. When `owner` is collected, its account is closed. */
  open(owner: object, kind?: 'mayRefuse' | 'neverRefuses'): MemoryAccount;
}

/**
 * Makes a budget of memory for one pipeline, or for several that share it. Pipelines that are given none share the budget of the process: a quarter of V8's heap limit, read when it is first needed.
 *
 * It counts estimates, not measurements: 1,024 bytes for each item and 2 for each of its bytes on the wire, from the moment in which a queue accepts it until its batch has an outcome; what `groupByTrace` and `tailSample` gather; and the bodies of requests while an
 * attempt is in flight, those always in the budget of the process, since a sink may serve several pipelines. Spans that were received are copies and count like others; items that are no spans count as 1,024 bytes, which is
 * too much for numbers and short strings, and what `sizeOf` returns for them. Not counted: what waits in the ring of {@link fromSpanProcessor}, in
 * `mergeByPriority` (up to `maxQueueBytes`, 64 MiB, for each input), `boundedMergeMap`, `backpressure` and the bridges (bounded each by itself), and plain arrays that go to {@link exportTo}.
 *
 * What the default budget holds, with one pipeline in the process: a burst of 10,000 spans of ten short attributes from `--max-old-space-size=128` on (V8's limit is 224 MiB then, with its young space), 30,000 of them (half a minute at
 * 1,000 a second) from 256 on; 30,000 bare spans from 128 on, 30,000 with ten attributes of 100 characters from 512 on.
 *
 * Half of it is common: every queue may use it. The other half is reserved in equal parts, one for each queue and one for the next queue to come, and no other queue can take a reserved part: so a
 * pipeline whose backend is dead leaves room for the others. A queue that is alone gets three quarters, and an item that takes more than half of the budget never has room.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const memory = memoryBudget({ maxBytes: 64 * 1024 * 1024 });
 * const pipeline = spanPipeline({ sink: otlpHttp(), memory });
 * memory.usedBytes; // => 0
 * ```
 */
export function memoryBudget(options: MemoryBudgetOptions): MemoryBudget {
  const { maxBytes } = settingsOf<MemoryBudgetOptions>('memoryBudget', {}, { maxBytes: whole(65_536) }, options);
  return new Budget(() => maxBytes);
}

export const aMemoryBudget = shape('a budget of memoryBudget()', 'open');

let ofProcess: Budget | undefined;

/** The budget of everything that is given no budget of its own. */
export function processMemory(): MemoryBudget {
  ofProcess ??= new Budget(() => Math.floor(DEFAULT_HEAP_RATIO * heapLimitBytes()));
  return ofProcess;
}

/** The same budget for a stage that cannot refuse: its items were accepted by the stage before it, which has just given back their memory. */
export function withoutRefusal(budget: MemoryBudget): MemoryBudget {
  return {
    get maxBytes() {
      return budget.maxBytes;
    },
    get usedBytes() {
      return budget.usedBytes;
    },
    open: (owner) => budget.open(owner, 'neverRefuses'),
  };
}

let ofBodies: MemoryAccount | undefined;

/** The account in which sinks count the bodies of requests, which lie outside of the heap: `hold` when a body is made, `give` when it is not used any more. */
export function bodyMemory(): MemoryAccount {
  ofBodies ??= processMemory().open(bodyMemory, 'neverRefuses');
  return ofBodies;
}

/** The part of a budget that one holder, a queue for example, has taken. */
export interface MemoryAccount {
  readonly heldBytes: number;
  /** How full it is, from 0 to 1: what it holds, divided by what it could hold while the other accounts keep what they have. */
  readonly fillRatio: number;
  /** Whether `bytes` can ever be taken at once. */
  admits(bytes: number): boolean;
  /** Takes `bytes` if there is room. */
  take(bytes: number): boolean;
  /** Whether `bytes` could be taken if `given` of what it holds were given back first. */
  wouldHaveRoom(bytes: number, given: number): boolean;
  /** Takes `bytes` whether there is room or not: the memory is in use already. */
  hold(bytes: number): void;
  /** Gives `bytes` back, and calls the accounts that wait for room at once, in the order in which they began to wait. */
  give(bytes: number): void;
  /** Gives `bytes` back for another item of the same account: waiting accounts are not called before the next `give`. */
  swap(bytes: number): void;
  /** Calls `onRoom` once, when `bytes` can be taken. An account has one wait at a time: a second call replaces the first. */
  wait(bytes: number, onRoom: () => void): void;
  stopWaiting(): void;
  /** Gives back everything. Idempotent. */
  close(): void;
}

class Budget implements MemoryBudget {
  usedBytes = 0;
  readonly #limitBytes: () => number;
  #maxBytes: number | undefined; // until it is first needed, by an account that takes something
  #reservedBytes: number | undefined; // the same, each time when an account was opened or closed
  readonly #accounts = new Set<BudgetAccount>();
  readonly #waiting = new Set<BudgetAccount>(); // in the order in which they began to wait
  readonly #abandoned = new FinalizationRegistry<MemoryAccount>((account) => account.close());
  #commonUsed = 0; // what accounts hold beyond their reserved parts

  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes;
  }

  get maxBytes(): number {
    this.#maxBytes ??= this.#limitBytes();
    return this.#maxBytes;
  }

  /** The part of `maxBytes` that every account may use. */
  get commonBytes(): number {
    return Math.floor(this.maxBytes / 2);
  }

  /** The part of `maxBytes` that is each account's own, if it refuses. */
  get reservedBytes(): number {
    this.#reservedBytes ??= Math.floor((this.maxBytes - this.commonBytes) / this.#parts());
    return this.#reservedBytes;
  }

  open(owner: object, kind: 'mayRefuse' | 'neverRefuses' = 'mayRefuse'): MemoryAccount {
    const account = new BudgetAccount(this, kind === 'mayRefuse');
    this.#abandoned.register(owner, account, account);
    this.#accounts.add(account);
    this.#shareOut();
    return account;
  }

  close(account: BudgetAccount): void {
    this.move(account, -account.heldBytes);
    this.#waiting.delete(account);
    this.#accounts.delete(account);
    this.#abandoned.unregister(account); // an owner may open and close many, one after another
    this.#shareOut();
    this.callWaiting();
  }

  /** What an account could take now. */
  roomFor({ heldBytes, ownBytes }: BudgetAccount): number {
    const common = Math.max(0, this.commonBytes - this.#commonUsed);
    return Math.max(0, Math.min(this.maxBytes - this.usedBytes, Math.max(0, ownBytes - heldBytes) + common));
  }

  /** Adds `bytes` to what an account holds; a negative number subtracts. */
  move(account: BudgetAccount, bytes: number): void {
    const before = account.beyondOwnBytes;
    account.heldBytes += bytes;
    this.#commonUsed += account.beyondOwnBytes - before;
    this.usedBytes += bytes;
  }

  wait(account: BudgetAccount): void {
    this.#waiting.add(account);
  }

  stopWaiting(account: BudgetAccount): void {
    this.#waiting.delete(account);
  }

  /** Calls each waiting account that has room, once. One that begins to wait anew does so behind the others. */
  callWaiting(): void {
    if (this.#waiting.size === 0) return;
    for (const account of [...this.#waiting]) {
      if (this.roomFor(account) >= account.needBytes && this.#waiting.delete(account)) account.endWait();
    }
  }

  #shareOut(): void {
    this.#reservedBytes = undefined;
    this.#commonUsed = 0;
    for (const account of this.#accounts) this.#commonUsed += account.beyondOwnBytes;
  }

  #parts(): number {
    let parts = 1; // the one that is reserved for the next account
    for (const { refuses } of this.#accounts) if (refuses) parts += 1;
    return parts;
  }
}

class BudgetAccount implements MemoryAccount {
  heldBytes = 0;
  needBytes = 0; // while it waits
  #onRoom: (() => void) | undefined; // while it waits; not kept longer, so that an abandoned owner can be collected
  readonly #budget: Budget;
  readonly refuses: boolean;
  #closed = false;

  constructor(budget: Budget, refuses: boolean) {
    this.#budget = budget;
    this.refuses = refuses;
  }

  /** Its reserved part, which no other account can take. */
  get ownBytes(): number {
    return this.refuses ? this.#budget.reservedBytes : 0;
  }

  get beyondOwnBytes(): number {
    return this.heldBytes === 0 ? 0 : Math.max(0, this.heldBytes - this.ownBytes);
  }

  get fillRatio(): number {
    return this.heldBytes === 0 ? 0 : this.heldBytes / (this.heldBytes + this.#budget.roomFor(this));
  }

  admits(bytes: number): boolean {
    return bytes <= this.#budget.commonBytes;
  }

  take(bytes: number): boolean {
    if (this.refuses && bytes > this.#budget.roomFor(this)) return false;
    this.hold(bytes);
    return true;
  }

  wouldHaveRoom(bytes: number, given: number): boolean {
    return !this.refuses || bytes <= this.#budget.roomFor(this) + given;
  }

  hold(bytes: number): void {
    if (!this.#closed) this.#budget.move(this, bytes);
  }

  give(bytes: number): void {
    this.swap(bytes);
    this.#budget.callWaiting();
  }

  swap(bytes: number): void {
    if (!this.#closed) this.#budget.move(this, -bytes);
  }

  wait(bytes: number, onRoom: () => void): void {
    this.needBytes = bytes;
    this.#onRoom = onRoom;
    if (!this.#closed) this.#budget.wait(this);
  }

  stopWaiting(): void {
    if (this.#onRoom === undefined) return;
    this.#onRoom = undefined;
    this.#budget.stopWaiting(this);
  }

  /** There is room for what it waits for. */
  endWait(): void {
    const onRoom = this.#onRoom;
    this.#onRoom = undefined;
    onRoom?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.close(this);
  }
}
