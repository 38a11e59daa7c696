import { durationText } from '../failures/text.ts';

/** The marbles of one event at its frame: `a`, `[abc]`, `|`. */
export interface RowEvent {
  readonly frame: number;
  readonly text: string;
}

/** Aligned rows, in which equal columns are equal frames, and the column of each event in its row. */
export interface DrawnRows {
  readonly lines: readonly string[];
  readonly columns: readonly (readonly number[])[];
}

/** A longer silence in all rows is written as `120ms`. */
const MAX_DASHES = 12;

/** A row that is being drawn. */
interface OpenRow {
  text: string;
  /** The frame that the next character stands for. */
  frame: number;
  readonly columns: number[];
  readonly events: readonly RowEvent[];
  next: number; // index of the next event
}

/**
 * Draws rows of events as marbles that can be parsed again, with one exception: an event at a frame that a preceding group or batch still occupies
 * gets a stamp instead, `@6ms:d`.
 */
export function drawRows(eventRows: readonly (readonly RowEvent[])[]): DrawnRows {
  const rows = eventRows.map((events): OpenRow => ({ text: '', frame: 0, columns: [], events, next: 0 }));
  const frames = [...new Set(eventRows.flat().map((event) => event.frame))].sort((one, other) => one - other);
  for (const frame of frames) {
    const open = rows.filter((row) => !hasEnded(row));
    drawSilence(open, frame);
    for (const row of open) drawFrame(row, frame);
  }
  return { lines: rows.map((row) => row.text.trimEnd() || '-'), columns: rows.map((row) => row.columns) };
}

function hasEnded(row: OpenRow): boolean {
  return '|#!'.includes(row.events[row.next - 1]?.text ?? '?');
}

function drawSilence(rows: readonly OpenRow[], until: number): void {
  const quietFrom = Math.max(...rows.map((row) => row.frame));
  const gap = until - quietFrom;
  if (gap <= MAX_DASHES) {
    drawDashes(rows, until);
    return;
  }
  drawDashes(rows, quietFrom);
  for (const row of rows) {
    row.text += `${/(^|\s)$/.test(row.text) ? '' : ' '}${durationText(gap)} `;
    row.frame = until;
  }
}

/** Draws dashes in the rows that have reached this frame; a row inside a group waits. Spaces, which take no time, align the columns. */
function drawDashes(rows: readonly OpenRow[], until: number): void {
  const ready = rows.filter((row) => row.frame <= until);
  for (const row of ready) {
    row.text += '-'.repeat(until - row.frame);
    row.frame = until;
  }
  const column = Math.max(...rows.map((row) => row.text.length - (row.frame - until)));
  for (const row of ready) row.text = row.text.padEnd(column);
}

function drawFrame(row: OpenRow, frame: number): void {
  const first = row.next;
  while (row.events[row.next]?.frame === frame) row.next += 1;
  const here = row.events.slice(first, row.next);
  if (here.length === 0) return;
  const start = row.text.length;
  if (row.frame > frame) row.text += `${row.text.endsWith(' ') ? '' : ' '}@${durationText(frame)}:`;
  if (here.length > 1) row.text += '(';
  for (const event of here) {
    row.columns.push(row.text.length);
    row.text += event.text;
  }
  if (here.length > 1) row.text += ')';
  if (row.frame <= frame) row.frame = frame + row.text.length - start;
}
