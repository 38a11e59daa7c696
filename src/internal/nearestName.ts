/** Names that differ by more edits than this, or by more than a third of their length, are no typing error. */
const MAX_EDITS = 3;
/** No option has a longer name, and the cost grows with the square of the length. */
const MAX_LENGTH = 64;

/** The known name that was probably meant: the one that begins alike (`timeout` for `timeoutMillis`), or the one with the fewest edits. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length < 3 || name.length > MAX_LENGTH) return undefined;
  const wanted = name.toLowerCase();
  let nearest: string | undefined;
  let fewest = Math.min(MAX_EDITS, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const edits = lower.startsWith(wanted) || wanted.startsWith(lower) ? 1 : editsBetween(wanted, lower);
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = candidate;
  }
  return nearest;
}

/** The Levenshtein distance, with a swap of two neighbours as one edit (optimal string alignment). */
function editsBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isEqual = one[row - 1] === other[column - 1];
      const isSwap = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const replaced = (last[column - 1] as number) + (isEqual ? 0 : 1);
      const swapped = isSwap ? (beforeLast[column - 2] as number) + 1 : replaced;
      current.push(Math.min(replaced, swapped, (last[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] as number;
}
