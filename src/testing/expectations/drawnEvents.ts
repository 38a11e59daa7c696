import { batchItems } from '../marbles/batchItems.ts';
import type { ObservedEvent } from '../marbles/recording.ts';
import type { Mark } from '../marbles/syntax.ts';
import type { ValueTable } from '../marbles/values.ts';
import { drawRows, type RowEvent } from './eventRows.ts';

/** How many events are drawn before and after the first difference. */
export const CONTEXT_EVENTS = 60;

/** Rows are cut this many columns before and after the first difference. The drawn events always need more columns. */
const CONTEXT_COLUMNS = 60;

/** The columns before the marbles of the two rows. */
const HEAD_COLUMNS = '  expected  '.length;

/** The expected and the observed row, with a caret under the first difference. */
export function drawBothRows(expected: readonly RowEvent[], observed: readonly RowEvent[], index: number): string[] {
  const { lines, columns } = drawRows([expected, observed]);
  const caret = caretColumn(expected[index], observed[index], columns[0]?.[index], columns[1]?.[index]);
  return addCaret([`  expected  ${lines[0]}`, `  observed  ${lines[1]}`], caret, HEAD_COLUMNS);
}

/** The observed row, with a caret under one of its events. */
export function drawObservedRow(observed: readonly ObservedEvent[], values: ValueTable, index: number): string[] {
  const from = Math.max(0, index - CONTEXT_EVENTS);
  const near = observed.slice(from, index + CONTEXT_EVENTS + 1);
  const { lines, columns } = drawRows([near.map((event) => ({ frame: event.frame, text: eventText(event, values) }))]);
  return addCaret([`  ${lines[0]}`], columns[0]?.[index - from] ?? 0, '  '.length);
}

/** Cuts long rows, and adds the caret line. */
function addCaret(rows: readonly string[], caret: number, headColumns: number): string[] {
  const start = Math.max(0, caret - CONTEXT_COLUMNS);
  const mark = start > 0 ? '… ' : '';
  const cut = rows.map((row) => {
    const marbles = row.slice(headColumns);
    const end = caret + CONTEXT_COLUMNS;
    return `${row.slice(0, headColumns)}${mark}${marbles.slice(start, end)}${marbles.length > end ? ' …' : ''}`;
  });
  return [...cut, `${' '.repeat(headColumns + mark.length + caret - start)}^`];
}

function caretColumn(mark?: RowEvent, event?: RowEvent, markColumn = 0, eventColumn = 0): number {
  if (mark === undefined) return eventColumn;
  if (event === undefined || mark.frame < event.frame) return markColumn;
  if (event.frame < mark.frame) return eventColumn;
  // At the same frame the caret stands under the first different character.
  const length = Math.min(mark.text.length, event.text.length);
  let same = 0;
  while (same < length && mark.text[same] === event.text[same]) same += 1;
  return eventColumn + (same < length ? same : Math.max(0, same - 1));
}

/** A mark as marbles. */
export function markText(mark: Mark): string {
  if (mark.kind === 'next') return mark.letter;
  if (mark.kind === 'batch') return batchText(mark.letters);
  return mark.kind === 'complete' ? '|' : '#';
}

/** An event as marbles: its letter, or `?` for a value without one. */
export function eventText(event: ObservedEvent, values: ValueTable): string {
  if (event.kind !== 'next') return event.kind === 'complete' ? '|' : '#';
  const items = batchItems(event.value);
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
