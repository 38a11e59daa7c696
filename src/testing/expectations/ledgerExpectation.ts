import type { StageStats } from '../../ledger/account.ts';
import type { LossReason } from '../../model/tally.ts';
import { callSite } from '../failures/callSite.ts';
import { MarbleFailure } from '../failures/failure.ts';
import type { Expectation } from './expectation.ts';
import { countOf, type Items, itemWords } from './outcomeValues.ts';

/** Whatever keeps books: a ledger, or a pipeline. */
export interface HasStats {
  stats(): StageStats;
}

/**
 * What the books are to say at the end. What an item can have become is none unless it is given, so that nothing is overlooked;
 * `offered` and `accepted`, which follow from it, are compared if they are given.
 */
export interface ExpectedLedger {
  readonly offered?: Items;
  readonly accepted?: Items;
  readonly refused?: Readonly<Partial<Record<LossReason, Items>>>;
  readonly delivered?: Items;
  readonly rejected?: Items;
  readonly handedOn?: Items;
  readonly removed?: Items;
  readonly lost?: Readonly<Partial<Record<LossReason, Items>>>;
  readonly pending?: Items;
}

/** What became of items: `delivered`, `lost queueFull`. */
export type Fate = string;

/**
 * The letters of the items that met a fate, as far as somebody has seen them: one answer for each witness. Books hold numbers, so a witness is
 * believed when it has seen as many as they say.
 */
export type Witnesses = (fate: Fate) => readonly string[];

const FATES = ['delivered', 'rejected', 'handedOn', 'removed', 'pending'] as const;

/** The books are to say this when the run is over. */
export class LedgerExpectation implements Expectation {
  readonly #books: HasStats;
  readonly #expected: ReadonlyMap<Fate, Items>;
  readonly #witnesses: Witnesses;
  readonly #site = callSite();
  #counts: ReadonlyMap<Fate, number> = new Map();

  constructor(books: HasStats, expected: ExpectedLedger, witnesses: Witnesses) {
    this.#books = books;
    this.#expected = flattened(expected);
    this.#witnesses = witnesses;
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
    return this.#witnesses(fate)
      .map(sorted)
      .find((letters) => countOf(letters) === count);
  }
}

/** `lost: { queueFull: 'd' }` is the fate `lost queueFull`. Figures of the whole that are no fate stay out. */
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

/** Items end in no particular order, so letters are compared as a set that counts. */
function sorted(letters: string): string {
  return [...letters].sort().join('');
}
