import { MarbleFailure } from '../failures/failure.ts';

const SILENCE = /(\d+(?:\.\d+)?)(ms|s|m)(?=\s|$)/y;
const MILLIS_OF: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 };

/** One character of a drawing, with its position in the string and its frame. */
export interface Token {
  readonly text: string;
  readonly at: number;
  readonly frame: number;
}

/** Splits a drawing into characters with their frames. Silence (`-`, `500ms`) only advances the frame. */
export function tokenize(marbles: string): { tokens: Token[]; frames: number } {
  const tokens: Token[] = [];
  let frame = 0;
  for (let at = 0; at < marbles.length; ) {
    const silence = silenceAt(marbles, at);
    const text = silence?.text ?? String.fromCodePoint(marbles.codePointAt(at) ?? 0);
    if (silence === undefined && !/[\s-]/.test(text)) tokens.push({ text, at, frame });
    if (!/\s/.test(text)) frame += silence?.millis ?? 1;
    at += text.length;
  }
  return { tokens, frames: frame };
}

/** `500ms`, `2s` or `1m` between spaces. Elsewhere a digit is a letter like any other. */
function silenceAt(marbles: string, at: number): { text: string; millis: number } | undefined {
  if (at > 0 && marbles[at - 1] !== ' ') return undefined;
  SILENCE.lastIndex = at;
  const [text, count, unit] = SILENCE.exec(marbles) ?? [];
  if (text === undefined || count === undefined || unit === undefined) return undefined;
  return { text, millis: Number(count) * (MILLIS_OF[unit] ?? 0) };
}

/** The failure for a drawing that breaks the grammar, with a caret under the place. */
export function syntaxError(marbles: string, at: number, rule: string): MarbleFailure {
  return new MarbleFailure(`these marbles cannot be read: ${rule}\n\n  ${marbles}\n  ${' '.repeat(at)}^`);
}
