import { isDeepStrictEqual } from 'node:util';
import { MarbleFailure } from '../failures/failure.ts';

type LowerCase =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z');

/** A letter that has an item of each kind by default. */
export type Letter = LowerCase | Uppercase<LowerCase> | '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

/** Items by letter: all default letters and the shaped ones. */
export type ItemsByLetter<Item, Shaped extends string = never> = Readonly<Record<Letter | Shaped, Item>>;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** The start of every drawn item: a fixed second, so that encoded bytes are the same in each run. */
export const START_SECONDS = 1_600_000_000;

/** The items of one kind by letter (spans, log records) in one run. A letter is the same object in all drawings of the run. */
export abstract class LetterTable<Item extends object, Shape> {
  protected readonly shapes = new Map<string, Shape>();
  protected readonly items = new Map<string, Item>();
  readonly #letters = new Map<object, string>();

  /** One item, and the function of the kit that shapes it, for messages: `span`, `spans`. */
  protected abstract readonly noun: string;
  protected abstract readonly caller: string;

  protected abstract make(letter: string): Item;

  /** Whether a value is an item of this kind, drawn or not. */
  abstract isOne(value: unknown): value is Item;

  abstract wordsOf(item: Item): string;

  /** Shapes some letters, and returns the items of all. Throws if one of them was drawn already. */
  shape<Shaped extends string>(shapes: Readonly<Record<Shaped, Shape>>): ItemsByLetter<Item, Shaped> {
    for (const [letter, shape] of Object.entries<Shape>(shapes)) {
      if (this.items.has(letter)) {
        const { noun, caller } = this;
        throw new MarbleFailure(
          `the ${noun} ${letter} is drawn already: shape it with ${caller}({ ${letter}: … }) before that`,
        );
      }
      this.shapes.set(letter, shape);
    }
    return this.#all() as ItemsByLetter<Item, Shaped>;
  }

  /** The item of a letter: the same object at every call. */
  item(letter: string): Item {
    const known = this.items.get(letter);
    if (known !== undefined) return known;
    const item = this.make(letter);
    this.items.set(letter, item);
    this.#letters.set(item, letter);
    return item;
  }

  matches(letter: string, value: unknown): boolean {
    const item = this.item(letter);
    return item === value || isDeepStrictEqual(item, value);
  }

  /** The letter of a drawn item, or of one that is equal to it; `undefined` for any other object. */
  letterOf(item: object): string | undefined {
    const known = this.#letters.get(item);
    return known ?? [...this.items.keys()].find((letter) => this.matches(letter, item));
  }

  #all(): ItemsByLetter<Item> {
    const all = {} as ItemsByLetter<Item>;
    for (const letter of new Set([...LETTERS, ...this.shapes.keys()])) {
      Object.defineProperty(all, letter, { enumerable: true, get: () => this.item(letter) });
    }
    return all;
  }
}
