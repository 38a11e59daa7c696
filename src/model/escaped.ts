/** Control and format characters, line and paragraph separators, and lone surrogates; the two joiners belong to words and emoji. */
const UNPRINTABLE = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]--[\u200c\u200d]]/gv;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A text from outside as one line that is safe in a log, a terminal and a header: line breaks, the other controls (C0, DEL, C1, with
 * them every terminal escape), characters that turn the direction of writing, invisible ones and lone surrogates appear as JavaScript
 * would write them (`\n`, `\u001b`). Everything else stays as it is, backslashes too, so the result is to be read, not to be parsed.
 */
export function escaped(text: string): string {
  return text.replace(UNPRINTABLE, escapeOf);
}

function escapeOf(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = (character.codePointAt(0) as number).toString(16);
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\u{${code}}`;
}
