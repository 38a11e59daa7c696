import type { StageStats } from '../../ledger/stageStats.ts';
import type { LossReason } from '../../model/tally.ts';
import { callSite } from '../failures/callSite.ts';
import { MarbleFailure } from '../failures/failure.ts';
import type { Expectation } from './expectation.ts';
import { countOf, type Items, itemWords } from './outcomeValues.ts';

/** A ledger, or a pipeline. */
export interface HasStats {
  /** The present books. */
  stats(): StageStats;
}

/**
 * The expected counts at the end of a run. A fate that is left out is expected to be 0, so that no loss is overlooked. `offered` and `accepted`
 * follow from the fates, and are compared only if they are given.
 */
export interface ExpectedLedger {
  /** Items that came. Left out: not compared. */
  readonly offered?: Items;
  /** Items that were let in. Left out: not compared. */
  readonly accepted?: Items;
  /** Items that were not let in, by reason. */
  readonly refused?: Readonly<Partial<Record<LossReason, Items>>>;
  /** Items that the backend confirmed. */
  readonly delivered?: Items;
  /** Items that the backend received and refused. */
  readonly rejected?: Items;
  /** Items in batches that nobody held. */
  readonly handedOn?: Items;
  /** Items that were taken out of their batch. */
  readonly removed?: Items;
  /** Items that were let in and then lost, by reason. */
  readonly lost?: Readonly<Partial<Record<LossReason, Items>>>;
  /** Items that have no outcome yet. */
  readonly pending?: Items;
}

/** What happened to items in the end: `delivered`, `lost queueFull`. */
export type Fate = string;

/**
 * The letters of the items that met a fate, one answer for each record of the run. A ledger holds counts only, so an answer is used if it has as
 * many letters as the ledger counts.
 */
export type LettersByFate = (fate: Fate) => readonly string[];

const FATES = ['delivered', 'rejected', 'handedOn', 'removed', 'pending'] as const;

/** Compares a ledger with the expected counts and letters at the end of the run. */
export class LedgerExpectation implements Expectation {
  readonly #books: HasStats;
  readonly #expected: ReadonlyMap<Fate, Items>;
  readonly #lettersByFate: LettersByFate;
  readonly #site = callSite();
  #counts: ReadonlyMap<Fate, number> = new Map();

  constructor(books: HasStats, expected: ExpectedLedger, lettersOfFate: LettersByFate) {
    this.#books = books;
    this.#expected = flattened(expected);
    this.#lettersByFate = lettersOfFate;
  }

  freeze(): void {
    const stats = this.#books.stats();
    this.#counts = new Map(
      [...flattened(stats)].map(([fate, items]) => [fate, countOf(items)] satisfies [Fate, number]),
    );
  }

  check(): MarbleFailure | undefined {
    const fates = [...new Set([...FATES, ...this.#expected.keys(), ...this.#counts.keys()])];
    const problems = fates.map((fate) => this.#problemOf(fate)).filter((problem) => problem !== undefined);
    if (problems.length === 0) return undefined;
    const width = Math.max(...problems.map(([fate]) => fate.length));
    const lines = problems.map(([fate, words]) => `  ${fate.padEnd(width)}  ${words}`);
    return new MarbleFailure(['the ledger differs', '', ...lines].join('\n'), this.#site);
  }

  #problemOf(fate: Fate): [Fate, string] | undefined {
    const expected = this.#expected.get(fate);
    if (expected === undefined && (fate === 'offered' || fate === 'accepted')) return undefined;
    const count = this.#counts.get(fate) ?? 0;
    const letters = this.#lettersOf(fate, count);
    const isSame = countOf(expected ?? 0) === count;
    if (isSame && (typeof expected !== 'string' || letters === undefined || sorted(expected) === letters)) {
      return undefined;
    }
    return [fate, `${itemWords(expected ?? 0)} expected, but it was ${itemWords(letters ?? count)}`];
  }

  #lettersOf(fate: Fate, count: number): string | undefined {
    return this.#lettersByFate(fate)
      .map(sorted)
      .find((letters) => countOf(letters) === count);
  }
}

/** `lost: { queueFull: 'd' }` becomes the fate `lost queueFull`. Figures that are no fate are left out. */
function flattened(books: ExpectedLedger): Map<Fate, Items> {
  const figures = [...FATES, 'offered', 'accepted'] as const;
  const plain = figures.flatMap((fate) => {
    const items = books[fate];
    return items === undefined ? [] : [[fate, items] as const];
  });
  const byReason = (['refused', 'lost'] as const).flatMap((fate) =>
    Object.entries(books[fate] ?? {}).map(([reason, items]) => [`${fate} ${reason}`, items] as const),
  );
  return new Map<Fate, Items>([...plain, ...byReason]);
}

/** Items end in no particular order, so letters are sorted before they are compared. */
function sorted(letters: string): string {
  return [...letters].sort().join('');
}
