import { durationText } from '../failures/text.ts';

/** What one row has at one frame, as text: `a`, `[abc]`, `|`. */
export interface RowEvent {
  readonly frame: number;
  readonly text: string;
}

/** Rows under each other, so that equal columns are equal frames, and where in its row each event stands. */
export interface DrawnRows {
  readonly lines: readonly string[];
  readonly columns: readonly (readonly number[])[];
}

/** A silence in all rows that is longer than this is folded into `120ms`. */
const MAX_DASHES = 12;

/** One row while it is drawn. */
interface OpenRow {
  text: string;
  /** The frame that the next character stands for. */
  frame: number;
  readonly columns: number[];
  readonly events: readonly RowEvent[];
  next: number; // the index of the event to draw next
}

/**
 * Draws rows of events. Every row is marbles that can be read again, with one exception: what happened while a group or batch before it is
 * still being written cannot be drawn at its frame, and gets a stamp instead, `@6ms:d`.
 */
export function drawRows(rows: readonly (readonly RowEvent[])[]): DrawnRows {
  const pens = rows.map((events): OpenRow => ({ text: '', frame: 0, columns: [], events, next: 0 }));
  const frames = [...new Set(rows.flat().map((event) => event.frame))].sort((one, other) => one - other);
  for (const frame of frames) {
    const open = pens.filter((pen) => !hasEnded(pen));
    drawSilence(open, frame);
    for (const pen of open) drawFrame(pen, frame);
  }
  return { lines: pens.map((pen) => pen.text.trimEnd() || '-'), columns: pens.map((pen) => pen.columns) };
}

function hasEnded(pen: OpenRow): boolean {
  return '|#!'.includes(pen.events[pen.next - 1]?.text ?? '?');
}

function drawSilence(pens: readonly OpenRow[], until: number): void {
  const quietFrom = Math.max(...pens.map((pen) => pen.frame));
  const gap = until - quietFrom;
  if (gap <= MAX_DASHES) {
    drawDashes(pens, until);
    return;
  }
  drawDashes(pens, quietFrom);
  for (const pen of pens) {
    pen.text += `${/(^|\s)$/.test(pen.text) ? '' : ' '}${durationText(gap)} `;
    pen.frame = until;
  }
}

/** Rows that are still writing a group stay where they are. Spaces, which mean nothing, bring the others to the same column. */
function drawDashes(pens: readonly OpenRow[], until: number): void {
  const ready = pens.filter((pen) => pen.frame <= until);
  for (const pen of ready) {
    pen.text += '-'.repeat(until - pen.frame);
    pen.frame = until;
  }
  const column = Math.max(...pens.map((pen) => pen.text.length - (pen.frame - until)));
  for (const pen of ready) pen.text = pen.text.padEnd(column);
}

function drawFrame(pen: OpenRow, frame: number): void {
  const first = pen.next;
  while (pen.events[pen.next]?.frame === frame) pen.next += 1;
  const here = pen.events.slice(first, pen.next);
  if (here.length === 0) return;
  const start = pen.text.length;
  if (pen.frame > frame) pen.text += `${pen.text.endsWith(' ') ? '' : ' '}@${durationText(frame)}:`;
  if (here.length > 1) pen.text += '(';
  for (const event of here) {
    pen.columns.push(pen.text.length);
    pen.text += event.text;
  }
  if (here.length > 1) pen.text += ')';
  if (pen.frame <= frame) pen.frame = frame + pen.text.length - start;
}
