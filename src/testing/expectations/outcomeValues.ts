import type { Outcome } from '../../model/outcome.ts';
import type { LossReason, Tally } from '../../model/tally.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { itemsOf } from '../marbles/recording.ts';
import { brief, type ValueTable } from '../marbles/values.ts';

/** How many items, or which: `'ab'` is two, and where it is known which ones they are, they are a and b. */
export type Items = number | string;

/** What an outcome is to say. `delivered`, `rejected` and `lost` are none unless they are given; the rest is compared if it is. */
export interface ExpectedOutcome {
  readonly delivered?: Items;
  readonly rejected?: Items;
  readonly lost?: Readonly<Partial<Record<LossReason, Items>>>;
  /** The letters of its batch. */
  readonly batch?: string;
  readonly attempts?: number;
}

/** The letters of a drawing of outcomes. */
export class OutcomeValues implements ValueTable {
  readonly #outcomes: Readonly<Record<string, ExpectedOutcome>>;
  readonly #lettersOf: (items: readonly unknown[]) => string;

  constructor(outcomes: Readonly<Record<string, ExpectedOutcome>>, lettersOf: (items: readonly unknown[]) => string) {
    this.#outcomes = outcomes;
    this.#lettersOf = lettersOf;
  }

  valueOf(letter: string): ExpectedOutcome {
    const outcome = Object.hasOwn(this.#outcomes, letter) ? this.#outcomes[letter] : undefined;
    if (outcome === undefined) throw new MarbleFailure(`the letter ${letter} has no outcome in the table given`);
    return outcome;
  }

  matches(letter: string, value: unknown): boolean {
    const expected = this.valueOf(letter);
    if (!isOutcome(value)) return false;
    const letters = this.#letters(value);
    const { lost = {}, delivered = 0, rejected = 0, batch, attempts } = expected;
    const sure = soleFate(value) === undefined ? undefined : letters;
    return (
      isSame(delivered, value.delivered, sure) &&
      isSame(rejected, value.rejected, sure) &&
      sameLosses(lost, value, sure) &&
      (batch === undefined || batch === letters) &&
      (attempts === undefined || attempts === value.attempts)
    );
  }

  letterOf(value: unknown): string | undefined {
    return Object.keys(this.#outcomes).find((letter) => this.matches(letter, value));
  }

  wordsOf(value: unknown): string {
    if (!isOutcome(value)) return isTable(value) ? expectedWords(value) : brief(value);
    const fates = [
      ...(value.delivered > 0 ? [`${value.delivered} delivered`] : []),
      ...(value.rejected > 0 ? [`${value.rejected} rejected`] : []),
      ...value.lost.map(({ count, reason }) => `${count} lost to ${reason}`),
    ];
    return `[${this.#letters(value)}]: ${fates.join(', ') || 'nothing'}, attempts ${value.attempts}`;
  }

  #letters(outcome: Outcome<unknown>): string {
    return this.#lettersOf(itemsOf(outcome.batch) ?? []);
  }
}

/** What an outcome looks like, whoever made it. */
export function isOutcome(value: unknown): value is Outcome<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { batch, delivered, rejected, lost, attempts } = value as Partial<Outcome<unknown>>;
  const counts = [delivered, rejected, attempts].every((count) => typeof count === 'number');
  return counts && Array.isArray(lost) && itemsOf(batch) !== undefined;
}

/** What became of all the items of a batch, if it is the same for all: only then is it known which ones it became of. */
export function soleFate({ delivered, rejected, lost }: Tally): 'delivered' | 'rejected' | LossReason | undefined {
  const fates = [
    ...(delivered > 0 ? (['delivered'] as const) : []),
    ...(rejected > 0 ? (['rejected'] as const) : []),
    ...lost.map(({ reason }) => reason),
  ];
  return fates.length === 1 ? fates[0] : undefined;
}

/** How many items an expectation is about. */
export function countOf(items: Items): number {
  return typeof items === 'number' ? items : [...items].length;
}

function isSame(expected: Items, count: number, letters: string | undefined): boolean {
  if (countOf(expected) !== count) return false;
  return typeof expected === 'number' || count === 0 || letters === undefined || expected === letters;
}

function sameLosses(expected: NonNullable<ExpectedOutcome['lost']>, { lost }: Tally, letters?: string): boolean {
  const reasons = new Set([...Object.keys(expected), ...lost.map(({ reason }) => reason)] as LossReason[]);
  return [...reasons].every((reason) => {
    const count = lost.filter((loss) => loss.reason === reason).reduce((sum, loss) => sum + loss.count, 0);
    return isSame(expected[reason] ?? 0, count, letters);
  });
}

function isTable(value: unknown): value is ExpectedOutcome {
  return typeof value === 'object' && value !== null;
}

function expectedWords({ delivered, rejected, lost = {}, batch, attempts }: ExpectedOutcome): string {
  const fates = [
    ...(delivered === undefined ? [] : [`${itemWords(delivered)} delivered`]),
    ...(rejected === undefined ? [] : [`${itemWords(rejected)} rejected`]),
    ...Object.entries(lost).map(([reason, items]) => `${itemWords(items)} lost to ${reason}`),
    ...(batch === undefined ? [] : [`batch ${batch}`]),
    ...(attempts === undefined ? [] : [`attempts ${attempts}`]),
  ];
  return fates.join(', ') || 'nothing';
}

/** `2 (ab)`, or `2` where no letters are given. */
export function itemWords(items: Items): string {
  return typeof items === 'number' ? `${items}` : `${countOf(items)}${items === '' ? '' : ` (${items})`}`;
}
