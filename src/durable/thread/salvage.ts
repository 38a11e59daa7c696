import type { QueueTable, TableRow } from './table.ts';

/** Where neither end leads further, so many rows in between are asked for one by one. */
const MAX_PROBES = 100_000;
/** A transaction of the copy, in bytes of bodies. */
const COPY_BYTES = 8 * 1024 * 1024;

export interface Salvaged {
  readonly batches: number;
  readonly items: number;
}

/**
 * Copies what can be read of a damaged queue into a new one, with the same numbers: from the front up to what is damaged, from the end down to it, and then row by row.
 */
export function salvage(from: QueueTable, to: QueueTable): Salvaged {
  const copy = new Copy(to);
  const front = walk((row) => from.after(row), 0, copy);
  if (front !== undefined) {
    const back = walk((row) => from.before(row), Number.MAX_SAFE_INTEGER, copy) ?? front + MAX_PROBES;
    const end = Math.min(back, front + MAX_PROBES);
    for (let row = front + 1; row < end; row += 1) copy.addIfRead(attempt(() => from.after(row - 1)));
  }
  return copy.end();
}

/** Returns the last row that was reached, if the end was not. */
function walk(next: (row: number) => TableRow | undefined, start: number, copy: Copy): number | undefined {
  let row = start;
  for (;;) {
    const step = attempt(() => next(row));
    if (step === 'unreadable') return row;
    if (step === undefined) return undefined;
    copy.add(step);
    row = step.row;
  }
}

function attempt<R>(read: () => R): R | 'unreadable' {
  try {
    return read();
  } catch {
    return 'unreadable';
  }
}

class Copy {
  readonly #to: QueueTable;
  readonly #copied = new Set<number>();
  #items = 0;
  #bytes = 0; // in the transaction that is open

  constructor(to: QueueTable) {
    this.#to = to;
    to.begin();
  }

  addIfRead(found: TableRow | undefined | 'unreadable'): void {
    if (found !== undefined && found !== 'unreadable') this.add(found);
  }

  add(found: TableRow): void {
    if (!found.isSound || this.#copied.has(found.row)) return;
    this.#to.insert(found.row, found.items, found.body, found);
    this.#copied.add(found.row);
    this.#items += found.items;
    this.#bytes += found.size;
    if (this.#bytes < COPY_BYTES) return;
    this.#bytes = 0;
    this.#to.commit();
    this.#to.begin();
  }

  end(): Salvaged {
    this.#to.commit();
    return { batches: this.#copied.size, items: this.#items };
  }
}
