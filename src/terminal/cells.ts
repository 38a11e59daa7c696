import { escaped } from '../model/escaped.ts';

/** How a cell looks where there is colour. */
export type Tone = 'plain' | 'name' | 'label' | 'flow' | 'waiting' | 'good' | 'bad';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Cell[];

/** From here on, characters may take two columns: CJK, and emoji beyond. */
const FIRST_WIDE = 0x2e80;

/** `12,345`. */
export function count(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A text from outside, without control characters, in at most this many columns. */
export function fitted(text: string, columns: number): string {
  let width = 0;
  let fit = '';
  for (const character of escaped(text)) {
    width += widthOf(character);
    if (width > columns) break;
    fit += character;
  }
  return fit;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - columnsOf(text))) + text;
}

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** The cells that fit, the last one cut. */
export function cut(line: Line, columns: number): Line {
  const kept: Cell[] = [];
  let left = columns;
  for (const { text, tone } of line) {
    const fit = fitted(text, left);
    if (fit !== '') kept.push({ text: fit, tone });
    left -= columnsOf(fit);
    if (fit.length < text.length) break;
  }
  return kept;
}

function widthOf(character: string): number {
  return (character.codePointAt(0) as number) < FIRST_WIDE ? 1 : 2;
}
