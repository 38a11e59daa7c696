import { join } from 'node:path';
import type { StorePlan } from '../protocol.ts';
import { orphans } from './directories.ts';
import type { StoreFiles } from './files.ts';
import { QUEUE_FILE } from './openQueue.ts';
import { Store } from './store.ts';

/** Takes over what lies in the subdirectories of processes that have ended, a piece at a time. */
export class Adoption {
  readonly #steps: Generator<number, void>;

  constructor(files: StoreFiles, plan: StorePlan, own: Store) {
    this.#steps = steps(files, plan, own);
  }

  /** Takes over a piece. Returns how many items it had; `undefined` when there is nothing left. */
  next(): number | undefined {
    const { value, done } = this.#steps.next();
    return done === true ? undefined : (value ?? undefined);
  }

  end(): void {
    this.#steps.return();
  }
}

function* steps(files: StoreFiles, plan: StorePlan, own: Store): Generator<number, void> {
  for (const { path } of orphans(files, plan, own.directory)) {
    if (files.identity(join(path, QUEUE_FILE)) === undefined) continue;
    const other = new Store(path, files, plan, { lastRow: 0, isDamaged: false, onNotice: () => {} });
    try {
      for (let items = own.adopt(other); items > 0; items = own.adopt(other)) yield items;
    } finally {
      other.close();
    }
  }
}
