import { syntaxError, type Token, tokenize } from './tokens.ts';

/** One event of a drawing, at its frame. */
export type Mark =
  | { readonly kind: 'next'; readonly frame: number; readonly letter: string }
  | { readonly kind: 'batch'; readonly frame: number; readonly letters: readonly string[] }
  | { readonly kind: 'complete' | 'error'; readonly frame: number };

/** A parsed drawing of an Observable. */
export interface Drawing {
  readonly marks: readonly Mark[];
  /** The length of the drawing in frames, counted from its `^` if it has one. */
  readonly frames: number;
}

/** When a subscription begins and ends. `Infinity` stands for an event that is not drawn, or has not happened. */
export interface SubscriptionSpan {
  /** The frame of the subscription, or `Infinity` if there was none. */
  readonly subscribedFrame: number;
  /** The frame of its end, or `Infinity` while there is none. */
  readonly unsubscribedFrame: number;
}

/** Parses `--a-(bc)-[de]-|`. `^` marks frame 0 and is allowed in hot sources only. */
export function parseMarbles(marbles: string, kind: 'hot' | 'cold' | 'expected'): Drawing {
  const reader = new MarbleReader(marbles, kind);
  const { tokens, frames } = tokenize(marbles);
  for (const token of tokens) reader.read(token);
  return reader.end(frames);
}

/** The letters of a mark. */
export function markLetters(mark: Mark): readonly string[] {
  if (mark.kind === 'batch') return mark.letters;
  return mark.kind === 'next' ? [mark.letter] : [];
}

/** Parses `--^---!`. If both are at one frame: `--(^!)`. */
export function parseSubscription(marbles: string): SubscriptionSpan {
  const found = { '^': Number.POSITIVE_INFINITY, '!': Number.POSITIVE_INFINITY };
  let group: Token | undefined; // the open (
  for (const token of tokenize(marbles).tokens) {
    const { text, at } = token;
    if (text === '(' && group === undefined) group = token;
    else if (text === ')' && group !== undefined) group = undefined;
    else if (text !== '^' && text !== '!') throw syntaxError(marbles, at, `a subscription has ^ and !, but no ${text}`);
    else if (Number.isFinite(found[text])) throw syntaxError(marbles, at, `a subscription has one ${text}`);
    else found[text] = (group ?? token).frame;
  }
  if (group !== undefined) throw syntaxError(marbles, group.at, 'this ( is never closed');
  return { subscribedFrame: found['^'], unsubscribedFrame: found['!'] };
}

/** The frame of the first mark: `time('---|')` is 3. */
export function parseTime(marbles: string): number {
  const mark = tokenize(marbles).tokens.find(({ text }) => text === '|');
  if (mark === undefined) throw syntaxError(marbles, marbles.length, 'a time ends with |');
  return mark.frame;
}

/** Turns tokens into marks. Everything inside `( )` and `[ ]` is at the frame of the opening bracket. */
class MarbleReader {
  readonly #marbles: string;
  readonly #kind: 'hot' | 'cold' | 'expected';
  readonly #marks: Mark[] = [];
  #group: Token | undefined; // the open (
  #batch: { open: Token; letters: string[] } | undefined; // the open [
  #zero: number | undefined; // the frame of ^
  #ended = false; // a | or # was read
  #lastFrame = 0; // of the last character, to detect silence inside brackets

  constructor(marbles: string, kind: 'hot' | 'cold' | 'expected') {
    this.#marbles = marbles;
    this.#kind = kind;
  }

  read(token: Token): void {
    const isInside = this.#group !== undefined || this.#batch !== undefined;
    if (isInside && token.frame !== this.#lastFrame + 1) this.#refuse(token, 'no time passes inside of brackets');
    this.#lastFrame = token.frame;
    if (this.#ended && token.text !== ')') this.#refuse(token, 'nothing comes after the end');
    if (this.#batch !== undefined) this.#readInBatch(this.#batch, token);
    else this.#readOutside(token);
  }

  end(frames: number): Drawing {
    const open = this.#batch?.open ?? this.#group;
    if (open !== undefined) this.#refuse(open, `this ${open.text} is never closed`);
    const zero = this.#zero ?? 0;
    return { marks: this.#marks.map((mark) => ({ ...mark, frame: mark.frame - zero })), frames: frames - zero };
  }

  #readInBatch(batch: { open: Token; letters: string[] }, token: Token): void {
    if ('()[|#^!'.includes(token.text)) this.#refuse(token, `a batch holds letters, not ${token.text}`);
    if (token.text !== ']') {
      batch.letters.push(token.text);
      return;
    }
    if (batch.letters.length === 0) this.#refuse(token, 'a batch is never empty');
    this.#marks.push({ kind: 'batch', frame: this.#frameOf(batch.open), letters: batch.letters });
    this.#batch = undefined;
  }

  #readOutside(token: Token): void {
    const frame = this.#frameOf(token);
    if (token.text === '(') this.#openGroup(token);
    else if (token.text === ')') this.#closeGroup(token);
    else if (token.text === '[') this.#batch = { open: token, letters: [] };
    else if (token.text === ']') this.#refuse(token, 'no [ before it');
    else if (token.text === '^') this.#markZero(token);
    else if (token.text === '!') this.#refuse(token, 'only a subscription has !');
    else if (token.text === '|' || token.text === '#') {
      this.#ended = true;
      this.#marks.push({ kind: token.text === '|' ? 'complete' : 'error', frame });
    } else this.#marks.push({ kind: 'next', frame, letter: token.text });
  }

  #openGroup(token: Token): void {
    if (this.#group !== undefined) this.#refuse(token, 'a group holds no other group');
    this.#group = token;
  }

  #closeGroup(token: Token): void {
    if (this.#group === undefined) this.#refuse(token, 'no ( before it');
    this.#group = undefined;
  }

  #markZero(token: Token): void {
    if (this.#kind !== 'hot') this.#refuse(token, 'only a hot source and a subscription have ^');
    if (this.#zero !== undefined) this.#refuse(token, 'there is one ^');
    this.#zero = this.#frameOf(token);
  }

  #frameOf(token: Token): number {
    return (this.#group ?? token).frame;
  }

  #refuse(token: Token, rule: string): never {
    throw syntaxError(this.#marbles, token.at, rule);
  }
}
