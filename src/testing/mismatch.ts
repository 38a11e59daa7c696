import { isDeepStrictEqual } from 'node:util';
import { type Drawn, draw } from './drawing.ts';
import { millis } from './failure.ts';
import { itemsOf, type Observed } from './recording.ts';
import { lettersOf, type Mark } from './syntax.ts';
import { brief, type ValueTable } from './values.ts';

/** What an expectation compares. */
export interface Comparison {
  readonly expected: readonly Mark[];
  readonly observed: readonly Observed[];
  readonly values: ValueTable;
  /** What the error must be, if the test says so. A plain object is compared with just its own keys. */
  readonly error?: { readonly value: unknown };
}

/** How many events before and after the first difference are drawn. */
const CONTEXT_EVENTS = 60;

/** A row is cut this many columns before and after the first difference: fewer than the events take that are drawn. */
const CONTEXT_COLUMNS = 60;

/** What stands before the marbles of a pair. */
const HEAD_COLUMNS = '  expected  '.length;

/** The first index at which the two differ, or `undefined` if they are the same. */
export function firstDifference(comparison: Comparison): number | undefined {
  const { expected, observed } = comparison;
  for (let index = 0; index < Math.max(expected.length, observed.length); index++) {
    const [mark, event] = [expected[index], observed[index]];
    if (mark === undefined || event === undefined) return index;
    if (mark.frame !== event.frame || !isSame(mark, event, comparison)) return index;
  }
  return undefined;
}

function isSame(mark: Mark, event: Observed, { values, error }: Comparison): boolean {
  if (mark.kind === 'next') return event.kind === 'next' && values.matches(mark.letter, event.value);
  if (mark.kind === 'batch') return event.kind === 'next' && isSameBatch(mark.letters, event.value, values);
  if (mark.kind === 'complete') return event.kind === 'complete';
  return event.kind === 'error' && (error === undefined || isSameError(error.value, event.error));
}

function isSameBatch(letters: readonly string[], value: unknown, values: ValueTable): boolean {
  const items = itemsOf(value);
  return items?.length === letters.length && letters.every((letter, index) => values.matches(letter, items[index]));
}

function isSameError(expected: unknown, error: unknown): boolean {
  if (expected === error || isDeepStrictEqual(expected, error)) return true;
  if (typeof expected !== 'object' || expected === null || expected instanceof Error) return false;
  if (typeof error !== 'object' || error === null) return false;
  return Object.entries(expected).every(([key, value]) => isDeepStrictEqual(Reflect.get(error, key), value));
}

/** The two rows, a caret under the first difference, and words for what is there. */
export function explain(comparison: Comparison, index: number): string {
  const [mark, event] = [comparison.expected[index], comparison.observed[index]];
  const lines = [...pictureOf(comparison, index), '', differenceWords(mark, event, comparison)];
  return [...lines, ...legend(mark, event, comparison)].join('\n');
}

function pictureOf(comparison: Comparison, index: number): string[] {
  const from = Math.max(0, index - CONTEXT_EVENTS);
  const expected = comparison.expected.map((mark) => ({ frame: mark.frame, text: markText(mark) }));
  const near = comparison.observed.slice(from, index + CONTEXT_EVENTS + 1);
  const observed = near.map((event, at) => {
    const mark = comparison.expected[from + at];
    return {
      frame: event.frame,
      text:
        mark !== undefined && isSame(mark, event, comparison) ? markText(mark) : eventText(event, comparison.values),
    };
  });
  return drawPair(expected.slice(from, index + CONTEXT_EVENTS + 1), observed, index - from);
}

/** Two rows and the caret under the first difference. */
export function drawPair(expected: readonly Drawn[], observed: readonly Drawn[], index: number): string[] {
  const { lines, columns } = draw([expected, observed]);
  const caret = caretColumn(expected[index], observed[index], columns[0]?.[index], columns[1]?.[index]);
  return pointAt([`  expected  ${lines[0]}`, `  observed  ${lines[1]}`], caret, HEAD_COLUMNS);
}

/** What was observed, and a caret under one of its events. */
export function drawOne(observed: readonly Observed[], values: ValueTable, index: number): string[] {
  const from = Math.max(0, index - CONTEXT_EVENTS);
  const near = observed.slice(from, index + CONTEXT_EVENTS + 1);
  const { lines, columns } = draw([near.map((event) => ({ frame: event.frame, text: eventText(event, values) }))]);
  return pointAt([`  ${lines[0]}`], columns[0]?.[index - from] ?? 0, '  '.length);
}

/** Cuts rows that are too long, and adds the caret. */
function pointAt(rows: readonly string[], caret: number, headColumns: number): string[] {
  const start = Math.max(0, caret - CONTEXT_COLUMNS);
  const mark = start > 0 ? '… ' : '';
  const cut = rows.map((row) => {
    const marbles = row.slice(headColumns);
    const end = caret + CONTEXT_COLUMNS;
    return `${row.slice(0, headColumns)}${mark}${marbles.slice(start, end)}${marbles.length > end ? ' …' : ''}`;
  });
  return [...cut, `${' '.repeat(headColumns + mark.length + caret - start)}^`];
}

function caretColumn(mark?: Drawn, event?: Drawn, markColumn = 0, eventColumn = 0): number {
  if (mark === undefined) return eventColumn;
  if (event === undefined || mark.frame < event.frame) return markColumn;
  if (event.frame < mark.frame) return eventColumn;
  // At the same frame: under the first character that differs.
  const length = Math.min(mark.text.length, event.text.length);
  let same = 0;
  while (same < length && mark.text[same] === event.text[same]) same += 1;
  return eventColumn + (same < length ? same : Math.max(0, same - 1));
}

function markText(mark: Mark): string {
  if (mark.kind === 'next') return mark.letter;
  if (mark.kind === 'batch') return batchText(mark.letters);
  return mark.kind === 'complete' ? '|' : '#';
}

/** How one event is drawn: with its letter, `?` if it has none. */
export function eventText(event: Observed, values: ValueTable): string {
  if (event.kind !== 'next') return event.kind === 'complete' ? '|' : '#';
  const items = itemsOf(event.value);
  const letter = values.letterOf(event.value);
  if (letter !== undefined || items === undefined) return letter ?? '?';
  return batchText(
    items.slice(0, 60).map((item) => values.letterOf(item) ?? '?'),
    items.length,
  );
}

function batchText(letters: readonly string[], count: number = letters.length): string {
  return count > 60 ? `[${letters.slice(0, 50).join('')}…${count}]` : `[${letters.join('')}]`;
}

function differenceWords(mark: Mark | undefined, event: Observed | undefined, comparison: Comparison): string {
  const came = event === undefined ? '' : eventWords(event, comparison.values);
  if (mark === undefined) return `at ${millis(event?.frame ?? 0)}: nothing more was expected, but ${came} came`;
  const wanted = markWords(mark);
  if (event === undefined) return `at ${millis(mark.frame)}: ${wanted} was expected, but nothing more came`;
  if (mark.frame === event.frame) return `at ${millis(mark.frame)}: ${wanted} was expected, but ${came} came`;
  if (isSame(mark, event, comparison)) {
    const late = event.frame - mark.frame;
    return `${wanted} was expected at ${millis(mark.frame)} and came at ${millis(event.frame)}: ${millis(Math.abs(late))} ${late > 0 ? 'late' : 'early'}`;
  }
  if (mark.frame < event.frame) {
    return `at ${millis(mark.frame)}: ${wanted} was expected, but nothing came; next came ${came} at ${millis(event.frame)}`;
  }
  return `at ${millis(event.frame)}: nothing was expected, but ${came} came; ${wanted} was expected at ${millis(mark.frame)}`;
}

function markWords(mark: Mark): string {
  if (mark.kind === 'complete') return 'the end |';
  if (mark.kind === 'error') return 'the error #';
  return mark.kind === 'next' ? mark.letter : `the batch ${markText(mark)}`;
}

function eventWords(event: Observed, values: ValueTable): string {
  if (event.kind === 'complete') return 'the end |';
  if (event.kind === 'error') return 'the error #';
  return `${itemsOf(event.value) === undefined || values.letterOf(event.value) !== undefined ? '' : 'the batch '}${eventText(event, values)}`;
}

/** One line for each letter that plays a part in the difference. */
function legend(mark: Mark | undefined, event: Observed | undefined, comparison: Comparison): string[] {
  const lines = new Set<string>();
  const { values, error } = comparison;
  const [wanted, came] = differing(mark, event, values);
  for (const letter of wanted) lines.add(`  ${letter}  ${values.wordsOf(values.valueOf(letter))}`);
  for (const value of came) lines.add(`  ${values.letterOf(value) ?? '?'}  ${values.wordsOf(value)}`);
  if (mark?.kind === 'error' && error !== undefined) lines.add(`  #  was expected to be ${brief(error.value)}`);
  if (event?.kind === 'error') lines.add(`  #  ${mark?.kind === 'error' ? 'was' : 'is'} ${brief(event.error)}`);
  return [...lines];
}

/** The letters that were expected and the values that came, without what two batches have in common at their beginning. */
function differing(
  mark: Mark | undefined,
  event: Observed | undefined,
  values: ValueTable,
): [readonly string[], readonly unknown[]] {
  const letters = mark === undefined ? [] : lettersOf(mark);
  const came = event?.kind === 'next' ? itemsUnlessDrawn(event.value, values) : [];
  let same = 0;
  while (same < letters.length && same < came.length && values.matches(letters[same] ?? '', came[same])) same += 1;
  return same === letters.length && same === came.length
    ? [letters.slice(0, 1), []]
    : [letters.slice(same, same + 1), came.slice(same, same + 1)];
}

function itemsUnlessDrawn(value: unknown, values: ValueTable): readonly unknown[] {
  return values.letterOf(value) === undefined ? (itemsOf(value) ?? [value]) : [value];
}
