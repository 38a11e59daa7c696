/** A message of a partition that has been emitted, or set aside, and has no outcome. */
export interface OpenOffset {
  readonly offset: bigint;
}

/** What of a partition has been read, and up to where all of it is settled: only that may be committed. */
export class PartitionOffsets {
  readonly #open = new Map<bigint, OpenOffset>(); // in ascending order, which is that of their coming
  #position: bigint;
  #committed: bigint;

  /** @param position the offset to begin at */
  constructor(position: bigint) {
    this.#position = position;
    this.#committed = position;
  }

  /** The offset of the next message. */
  get position(): bigint {
    return this.#position;
  }

  /** Whether all that was read is settled. */
  get isSettled(): boolean {
    return this.#open.size === 0;
  }

  /** How many messages are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The offset to commit: every message before it is settled. `undefined`: nothing has changed since the last commit. */
  get toCommit(): bigint | undefined {
    const [first] = this.#open.keys();
    const settled = first ?? this.#position;
    return settled > this.#committed ? settled : undefined;
  }

  /** A message leaves. */
  begin(offset: bigint): OpenOffset {
    const opened = { offset };
    this.#open.set(offset, opened);
    this.#position = offset + 1n;
    return opened;
  }

  /** There is nothing to be read before this offset. */
  skipTo(offset: bigint): void {
    if (offset > this.#position) this.#position = offset;
  }

  /** It needs no other outcome. One that was rewound is not known any more. */
  settle(opened: OpenOffset): void {
    if (this.#isOpen(opened)) this.#open.delete(opened.offset);
  }

  /** Reads it again, and what came after it. Returns whether it does: not for what was rewound before. */
  rewind(opened: OpenOffset): boolean {
    if (!this.#isOpen(opened)) return false;
    for (const offset of this.#open.keys()) if (offset >= opened.offset) this.#open.delete(offset);
    this.#position = opened.offset;
    return true;
  }

  /** The broker keeps it. */
  committed(offset: bigint): void {
    if (offset > this.#committed) this.#committed = offset;
  }

  #isOpen(opened: OpenOffset): boolean {
    return this.#open.get(opened.offset) === opened;
  }
}
