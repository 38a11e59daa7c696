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

/** Values without a table: each letter is a span, or whatever item of that letter is compared with it. A string of one letter stands for itself, so that names can be drawn. */
export class LetterValues implements ValueTable {
  readonly #tables: LetterTables;

  constructor(tables: LetterTables) {
    this.#tables = tables;
  }

  valueOf(letter: string): object {
    return this.#tables[0].item(letter);
  }

  matches(letter: string, value: unknown): boolean {
    return value === letter || tableOf(value, this.#tables)?.matches(letter, value) === true;
  }

  letterOf(value: unknown): string | undefined {
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
