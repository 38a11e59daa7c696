import type { Outcome } from '../../model/outcome.ts';
import type { LossReason, Tally } from '../../model/tally.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { valueText } from '../failures/text.ts';
import { batchItems } from '../marbles/batchItems.ts';
import type { ValueTable } from '../marbles/values.ts';

/** How many items, or which: `'ab'` is two items, which must be a and b if the run shows their letters. */
export type Items = number | string;

/** An expected outcome. `delivered`, `rejected` and `lost` are 0 if they are left out; `batch` and `attempts` are compared only if they are given. */
export interface ExpectedOutcome {
  /** Items that the backend confirmed. */
  readonly delivered?: Items;
  /** Items that the backend received and refused. */
  readonly rejected?: Items;
  /** Items that were lost, by reason. */
  readonly lost?: Readonly<Partial<Record<LossReason, Items>>>;
  /** The letters of its batch. */
  readonly batch?: string;
  /** Attempts that were started, the first one included. */
  readonly attempts?: number;
}

/** The values of a drawing of outcomes, from the table of the test. */
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
      isSameCount(delivered, value.delivered, sure) &&
      isSameCount(rejected, value.rejected, sure) &&
      sameLosses(lost, value, sure) &&
      (batch === undefined || batch === letters) &&
      (attempts === undefined || attempts === value.attempts)
    );
  }

  letterOf(value: unknown): string | undefined {
    return Object.keys(this.#outcomes).find((letter) => this.matches(letter, value));
  }

  wordsOf(value: unknown): string {
    if (!isOutcome(value)) return isTable(value) ? expectedWords(value) : valueText(value);
    const fates = fatesOf(value).map(([fate, count]) => fateWords(fate, `${count}`));
    return `[${this.#letters(value)}]: ${fates.join(', ') || 'nothing'}, attempts ${value.attempts}`;
  }

  #letters(outcome: Outcome<unknown>): string {
    return this.#lettersOf(batchItems(outcome.batch) ?? []);
  }
}

/** Whether a value has the shape of an outcome. */
export function isOutcome(value: unknown): value is Outcome<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { batch, delivered, rejected, lost, attempts } = value as Partial<Outcome<unknown>>;
  const counts = [delivered, rejected, attempts].every((count) => typeof count === 'number');
  return counts && Array.isArray(lost) && batchItems(batch) !== undefined;
}

/** The fate of a batch, if all of its items met the same one. Otherwise it is unknown which item met which. */
export function soleFate(tally: Tally): string | undefined {
  const fates = fatesOf(tally);
  return fates.length === 1 ? fates[0]?.[0] : undefined;
}

/** `delivered`, `rejected` and the reasons of losses, each with its count if that is not 0. */
function fatesOf({ delivered, rejected, lost }: Tally): [fate: string, count: number][] {
  const losses = lost.map(({ reason, count }): [string, number] => [reason, count]);
  const fates: [string, number][] = [['delivered', delivered], ['rejected', rejected], ...losses];
  return fates.filter(([, count]) => count > 0);
}

function fateWords(fate: string, count: string): string {
  return fate === 'delivered' || fate === 'rejected' ? `${count} ${fate}` : `${count} lost to ${fate}`;
}

/** How many items are expected. */
export function countOf(items: Items): number {
  return typeof items === 'number' ? items : [...items].length;
}

function isSameCount(expected: Items, count: number, letters: string | undefined): boolean {
  if (countOf(expected) !== count) return false;
  return typeof expected === 'number' || count === 0 || letters === undefined || expected === letters;
}

function sameLosses(expected: NonNullable<ExpectedOutcome['lost']>, { lost }: Tally, letters?: string): boolean {
  const reasons = new Set([...Object.keys(expected), ...lost.map(({ reason }) => reason)] as LossReason[]);
  return [...reasons].every((reason) => {
    const count = lost.filter((loss) => loss.reason === reason).reduce((sum, loss) => sum + loss.count, 0);
    return isSameCount(expected[reason] ?? 0, count, letters);
  });
}

function isTable(value: unknown): value is ExpectedOutcome {
  return typeof value === 'object' && value !== null;
}

function expectedWords({ delivered, rejected, lost = {}, batch, attempts }: ExpectedOutcome): string {
  const fates = Object.entries({ delivered, rejected, ...lost });
  const words = [
    ...fates.flatMap(([fate, items]) => (items === undefined ? [] : [fateWords(fate, itemWords(items))])),
    ...(batch === undefined ? [] : [`batch ${batch}`]),
    ...(attempts === undefined ? [] : [`attempts ${attempts}`]),
  ];
  return words.join(', ') || 'nothing';
}

/** `2 (ab)`, or `2` if no letters are given. */
export function itemWords(items: Items): string {
  return typeof items === 'number' ? `${items}` : `${countOf(items)}${items === '' ? '' : ` (${items})`}`;
}
