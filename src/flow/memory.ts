import { getHeapStatistics } from 'node:v8';
import { settingsOf, shape, whole } from '../internal/validation.ts';

/**
 * What an item takes in memory, beside its content: bare spans of SDK 3 and 2 take 975 and 995 bytes, and their places in the queues some more.
 *
 * The whole estimate, this and {@link HEAP_PER_WIRE_BYTE}, is between 0.71 times (a hundred short attributes) and 2.12 times (spans that were received, with few short attributes; otherwise 1.99, long texts) what spans were measured to take, and 1.5 times for ten short attributes, as
 * `node --expose-gc test/process/programs/heap.ts` printed it, for either SDK and for spans that were received; a test holds it between 0.65 and 2.3. A text that was cut out of a longer one keeps that one in memory,
 * which nobody can see: spans of such texts took 1.6 times the estimate there, and may take more. That is one reason why the default is no more than a quarter of the heap.
 */
export const ITEM_HEAP_BYTES = 1_024;

/** Long texts of Latin-1 take 1 byte for each of their bytes on the wire (by our estimate, which counts characters), other texts 2, short values with their keys up to 3. */
export const HEAP_PER_WIRE_BYTE = 2;

/** The part of the heap that the pipelines of a process may fill, unless they are given budgets of their own. */
export const DEFAULT_HEAP_RATIO = 0.25;

/** The estimated memory of `items` items that take `wireBytes` on the wire together. */
export function heapBytesOf(items: number, wireBytes: number): number {
  return items * ITEM_HEAP_BYTES + HEAP_PER_WIRE_BYTE * wireBytes;
}

export interface MemoryBudgetOptions {
  /** Bytes of memory that everything which shares this budget may hold, as estimated: 65,536 or more. More rides out longer outages. */
  maxBytes: number;
}

/** Memory that several queues share. */
export interface MemoryBudget {
  readonly maxBytes: number;
  /** What is held now. Bodies of requests are counted and never refused, so this may be more than `maxBytes` for a while. */
  readonly usedBytes: number;
  /** @internal Opens the account of one holder. One that never refuses needs no part of its own, and has none. When `owner` is collected with it still open, it is closed. */
  open(owner: object, kind?: 'mayRefuse' | 'neverRefuses'): MemoryAccount;
}

/**
 * Makes a budget of memory, to be given to one pipeline or to several that are to share it. Without one, all share that of the process: a quarter of V8's limit of the heap, read when it is first needed.
 *
 * It counts estimates, not measurements: 1,024 bytes for each item and 2 for each of its bytes on the wire, from the moment in which a queue accepts it until its batch has an outcome; and the bodies of requests while an
 * attempt is under way, those always in the budget of the process, since a sink may serve several pipelines. Spans that were received are copies and count like others; items that are no spans count by what `sizeOf` says
 * of them, with the same 1,024 bytes, which is too much for numbers and short texts. Not counted: what waits in the ring of {@link fromSpanProcessor}, in `boundedMergeMap`, `backpressure` and the bridges (bounded each by
 * itself), and plain arrays that go to {@link exportTo}.
 *
 * What it holds, for the default alone in its process: a burst of 10,000 spans of ten short attributes from `--max-old-space-size=128` on (V8's limit is 224 MiB then, with its young space), 30,000 of them (half a minute at
 * 1,000 a second) from 256 on; 30,000 bare spans from 128 on, 30,000 with ten attributes of 100 characters from 512 on.
 *
 * Half of it belongs to whoever needs it. The other half is shared out in equal parts to those who hold an account, a queue each, with one part left for the next who opens one: nobody else can take that, so that a
 * pipeline whose backend is dead leaves room for the others. So one alone gets three quarters; and an item that takes more than half of the budget has no room, ever.
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
  return new Budget(maxBytes);
}

export const aMemoryBudget = shape('a budget of memoryBudget()', 'open');

let ofProcess: Budget | undefined;

/** The budget that all share who were given none. */
export function processMemory(): MemoryBudget {
  ofProcess ??= new Budget(Math.floor(DEFAULT_HEAP_RATIO * getHeapStatistics().heap_size_limit));
  return ofProcess;
}

/** The same budget for a holder who cannot refuse: what comes has been let in already, by somebody who has just given back its memory. */
export function withoutRefusal(budget: MemoryBudget): MemoryBudget {
  return {
    maxBytes: budget.maxBytes,
    get usedBytes() {
      return budget.usedBytes;
    },
    open: (owner) => budget.open(owner, 'neverRefuses'),
  };
}

/** How many items may wait where nobody measures them, so that they do not fill the heap before they are: one for each 20 KiB of it. */
export function placesInHeap(atMost: number): number {
  return Math.min(atMost, Math.floor(getHeapStatistics().heap_size_limit / 20_480));
}

let ofBodies: MemoryAccount | undefined;

/** Where sinks count the bodies of requests, which lie outside of the heap: `hold` while one exists, then `give`. */
export function bodyMemory(): MemoryAccount {
  ofBodies ??= processMemory().open(bodyMemory, 'neverRefuses');
  return ofBodies;
}

/** What one holder has taken. */
export interface MemoryAccount {
  readonly heldBytes: number;
  /** How full it is, from 0 to 1: what it holds, beside what it could hold if the others keep what they have. */
  readonly fillRatio: number;
  /** Whether so much can ever be taken. */
  admits(bytes: number): boolean;
  /** Takes so much, if there is room. */
  take(bytes: number): boolean;
  /** Whether so much could be taken if `given` of what it holds were given back. */
  wouldHaveRoom(bytes: number, given: number): boolean;
  /** Takes so much in any case: it is there. */
  hold(bytes: number): void;
  /** Gives `bytes` back, and calls those who wait for room at once, in the order in which they came. */
  give(bytes: number): void;
  /** Gives so much back for the sake of something else of one's own, and tells nobody before the next `give`. */
  swap(bytes: number): void;
  /** Calls `onRoom` once, when so much can be taken. There is one such wait for each account; a second call changes it. */
  wait(bytes: number, onRoom: () => void): void;
  stopWaiting(): void;
  /** Gives back everything. Idempotent. */
  close(): void;
}

class Budget implements MemoryBudget {
  readonly maxBytes: number;
  usedBytes = 0;
  readonly commonBytes: number; // of those, what belongs to whoever needs it
  readonly #accounts = new Set<BudgetAccount>();
  readonly #waiting = new Set<BudgetAccount>(); // first come, first told
  readonly #abandoned = new FinalizationRegistry<MemoryAccount>((account) => account.close());
  #commonUsed = 0; // what accounts hold beyond what nobody else can take

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.commonBytes = Math.floor(maxBytes / 2);
  }

  open(owner: object, kind: 'mayRefuse' | 'neverRefuses' = 'mayRefuse'): MemoryAccount {
    const account = new BudgetAccount(this, kind === 'mayRefuse');
    this.#abandoned.register(owner, account);
    this.#accounts.add(account);
    this.#shareOut();
    return account;
  }

  close(account: BudgetAccount): void {
    this.move(account, -account.heldBytes);
    this.#waiting.delete(account);
    this.#accounts.delete(account);
    this.#shareOut();
    this.tell();
  }

  /** What an account could take now. */
  roomFor({ heldBytes, ownBytes }: BudgetAccount): number {
    const common = Math.max(0, this.commonBytes - this.#commonUsed);
    return Math.max(0, Math.min(this.maxBytes - this.usedBytes, Math.max(0, ownBytes - heldBytes) + common));
  }

  /** An account has so much more, or less. */
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

  /** Each of those who wait, once: who goes on waiting, does so behind the others. */
  tell(): void {
    if (this.#waiting.size === 0) return;
    for (const account of [...this.#waiting]) {
      if (this.roomFor(account) >= account.needBytes && this.#waiting.delete(account)) account.tell();
    }
  }

  #shareOut(): void {
    let parts = 1; // the one that is left for the next
    for (const { refuses } of this.#accounts) if (refuses) parts += 1;
    const ownBytes = Math.floor((this.maxBytes - this.commonBytes) / parts);
    this.#commonUsed = 0;
    for (const account of this.#accounts) {
      account.ownBytes = account.refuses ? ownBytes : 0;
      this.#commonUsed += account.beyondOwnBytes;
    }
  }
}

class BudgetAccount implements MemoryAccount {
  heldBytes = 0;
  ownBytes = 0; // of the budget, that no other account can take
  needBytes = 0; // while it waits
  #onRoom: (() => void) | undefined; // likewise; kept no longer, so that an abandoned owner can be collected
  readonly #budget: Budget;
  readonly refuses: boolean;
  #closed = false;

  constructor(budget: Budget, refuses: boolean) {
    this.#budget = budget;
    this.refuses = refuses;
  }

  get beyondOwnBytes(): number {
    return Math.max(0, this.heldBytes - this.ownBytes);
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
    this.#budget.tell();
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
  tell(): void {
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
