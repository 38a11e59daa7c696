import { MarbleFailure } from '../failures/failure.ts';
import { valueText } from '../failures/text.ts';
import { isSameValue } from './difference.ts';
import type { LetterTable } from './letterTable.ts';

/** The values of the letters of one drawing, in both directions. */
export interface ValueTable {
  valueOf(letter: string): unknown;
  matches(letter: string, value: unknown): boolean;
  /** The first letter that matches a value; `undefined` if none does. */
  letterOf(value: unknown): string | undefined;
  /** Describes a value in words. */
  wordsOf(value: unknown): string;
}

/** The items of all kinds by letter. A letter without a table is drawn as an item of the first kind. */
export type LetterTables = readonly [LetterTable<object, unknown>, ...LetterTable<object, unknown>[]];

/** Values from a table of the test, as in RxJS. */
export class GivenValues implements ValueTable {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #tables: LetterTables;

  constructor(values: Readonly<Record<string, unknown>>, tables: LetterTables) {
    this.#values = values;
    this.#tables = tables;
  }

  valueOf(letter: string): unknown {
    if (!Object.hasOwn(this.#values, letter))
      throw new MarbleFailure(`the letter ${letter} has no value in the table given`);
    return this.#values[letter];
  }

  matches(letter: string, value: unknown): boolean {
    return isSameValue(this.valueOf(letter), value);
  }

  letterOf(value: unknown): string | undefined {
    return Object.keys(this.#values).find((letter) => this.matches(letter, value));
  }

  wordsOf(value: unknown): string {
    return wordsOf(value, this.#tables);
  }
}

/** Values that the test has named by letter, for all drawings and tables of the run. */
export class NamedValues {
  readonly #values = new Map<string, unknown>();

  name(values: Readonly<Record<string, unknown>>): void {
    for (const [letter, value] of Object.entries(values)) {
      if ([...letter].length !== 1) throw new MarbleFailure(`letters(…) takes letters, and ${letter} is none`);
      this.#values.set(letter, value);
    }
  }

  has(letter: string): boolean {
    return this.#values.has(letter);
  }

  valueOf(letter: string): unknown {
    return this.#values.get(letter);
  }

  letterOf(value: unknown): string | undefined {
    return [...this.#values].find(([, named]) => isSameValue(named, value))?.[0];
  }
}

/** Values without a table: a letter that the test has named, or else each letter is a span, or whatever item of that letter is compared with it. A string of one letter stands for itself, so that names can be drawn. */
export class LetterValues implements ValueTable {
  readonly #tables: LetterTables;

  readonly #named: NamedValues;

  constructor(tables: LetterTables, named: NamedValues) {
    this.#tables = tables;
    this.#named = named;
  }

  valueOf(letter: string): unknown {
    return this.#named.has(letter) ? this.#named.valueOf(letter) : this.#tables[0].item(letter);
  }

  matches(letter: string, value: unknown): boolean {
    if (this.#named.has(letter)) return isSameValue(this.#named.valueOf(letter), value);
    return value === letter || tableOf(value, this.#tables)?.matches(letter, value) === true;
  }

  letterOf(value: unknown): string | undefined {
    const named = this.#named.letterOf(value);
    if (named !== undefined) return named;
    if (typeof value === 'string') return [...value].length === 1 ? value : undefined;
    return tableOf(value, this.#tables)?.letterOf(value as object);
  }

  wordsOf(value: unknown): string {
    return wordsOf(value, this.#tables);
  }
}

function tableOf(value: unknown, tables: LetterTables): LetterTable<object, unknown> | undefined {
  return tables.find((table) => table.isOne(value));
}

function wordsOf(value: unknown, tables: LetterTables): string {
  return tableOf(value, tables)?.wordsOf(value as object) ?? valueText(value);
}
