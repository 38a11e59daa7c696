import { join } from 'node:path';
import { messageOf } from '../../model/errors.ts';
import type { Dropped, StoredBatch, StorePlan } from '../protocol.ts';
import { orphans } from './directories.ts';
import { failureOf, messageFor } from './failures.ts';
import type { StoreFiles } from './files.ts';
import { hasQueue, QUEUE_FILE } from './openQueue.ts';
import { NO_DROPS, Store } from './store.ts';

/** A piece of what was taken over. */
export interface Adopted {
  /** Items that were there, with those that were dropped. */
  readonly adopted: number;
  readonly dropped: Dropped;
}

export interface AdoptionParts {
  readonly files: StoreFiles;
  readonly plan: StorePlan;
  readonly own: Store;
  readonly onNotice: (message: string) => void;
}

/** In one piece, in bytes of bodies: half of what a transaction may have. */
const PIECE_BYTES = Store.maxWorkBytes / 2;

/** The other queue has failed, and not ours. */
class OrphanError extends Error {}

/**
 * Takes over what lies in the subdirectories of processes that have ended, a piece at a time. One that fails is told, and left to the next start.
 */
export class Adoption {
  readonly #steps: Generator<Adopted, void>;

  constructor(parts: AdoptionParts) {
    this.#steps = steps(parts);
  }

  /**
   * Takes over a piece. Returns `undefined` when there is nothing left.
   *
   * @throws what our own queue has failed by
   */
  next(): Adopted | undefined {
    const { value, done } = this.#steps.next();
    return done === true ? undefined : (value ?? undefined);
  }

  end(): void {
    this.#steps.return();
  }
}

function* steps(parts: AdoptionParts): Generator<Adopted, void> {
  const { files, plan, own, onNotice } = parts;
  const onTrouble = (path: string, error: unknown) =>
    onNotice(`what lies there is not taken over before the next start: ${messageFor(path, error)}`);
  for (const { path } of orphans(files, plan, own.directory, onTrouble)) {
    try {
      yield* takenOver(path, false, parts);
    } catch (failed) {
      if (!(failed instanceof OrphanError)) throw failed;
      onTrouble(join(path, QUEUE_FILE), failed.cause);
    }
  }
}

/** One that turns out to be damaged is opened again, which sets it aside and gives what can be read of it. */
function* takenOver(path: string, isDamaged: boolean, parts: AdoptionParts): Generator<Adopted, void> {
  const { files, plan, onNotice } = parts;
  if (!there(() => hasQueue(path, files))) return;
  const other = there(() => new Store(path, files, plan, { lastRow: 0, isDamaged, onNotice }));
  try {
    const damaged = other.damagedItems;
    yield { adopted: damaged, dropped: { ...NO_DROPS, damaged } };
    yield* pieces(other, parts.own);
    return;
  } catch (failed) {
    if (isDamaged || !(failed instanceof OrphanError) || failureOf(failed.cause) !== 'corrupt') throw failed;
  } finally {
    other.close();
  }
  yield* takenOver(path, true, parts);
}

/** Moves what there is, oldest first, as far as there is room. What was copied is removed there afterwards: a crash in between makes duplicates, and loses nothing. */
function* pieces(other: Store, own: Store): Generator<Adopted, void> {
  for (;;) {
    const { batches, upTo, dropped } = there(() => other.read(0, PIECE_BYTES));
    yield { adopted: dropped.queueFull + dropped.expired + dropped.damaged, dropped };
    const taken = own.adopt(batches);
    const failed = removed(other, taken);
    yield { adopted: taken.reduce((sum, { items }) => sum + items, 0), dropped: NO_DROPS };
    if (failed !== undefined) throw failed;
    if (taken.length < batches.length || upTo === 0) return;
  }
}

/** What was copied is to be counted, whether it can be removed there or not. */
function removed(other: Store, taken: readonly StoredBatch[]): unknown {
  try {
    there(() => other.remove(taken.map(({ row }) => row)));
    return undefined;
  } catch (failed) {
    return failed;
  }
}

function there<R>(work: () => R): R {
  try {
    return work();
  } catch (cause) {
    throw new OrphanError(messageOf(cause), { cause });
  }
}
