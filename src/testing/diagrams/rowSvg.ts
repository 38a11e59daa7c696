import type { Mark } from '../marbles/syntax.ts';
import type { DiagramRow, DiagramSpan } from './diagram.ts';
import { escaped, FOLD, FRAME, LANE, LETTER, MARGIN, RADIUS, ROW } from './svgStyle.ts';
import type { Busy, TimeScale } from './timeScale.ts';

/** The frames in which a row shows something. */
export function busyIn(row: DiagramRow): Busy[] {
  if (row.kind === 'stream') {
    return placed(row.marks).map(({ frame, offset, width }) => {
      return { from: frame, to: frame + Math.ceil((offset + width) / FRAME) };
    });
  }
  const frames = row.spans.flatMap(({ fromFrame, toFrame }) => [fromFrame, toFrame]).filter(Number.isFinite);
  return frames.map((frame) => ({ from: frame, to: frame + 1 }));
}

/** Events at one frame stand side by side. They need no more room than the characters of their group in the drawing. */
function placed(marks: readonly Mark[]): { mark: Mark; frame: number; offset: number; width: number }[] {
  let [frame, offset] = [-1, 0];
  return marks.map((mark) => {
    if (mark.frame !== frame) [frame, offset] = [mark.frame, 0];
    const width = mark.kind === 'batch' ? mark.letters.length * LETTER + LETTER : 2 * RADIUS;
    const place = { mark, frame, offset, width };
    offset += width + 4;
    return place;
  });
}

/** The height of a row, in pixels. */
export function heightOf(row: DiagramRow): number {
  return row.kind === 'stream' ? ROW : Math.max(1, lanesOf(row.spans).length) * LANE + 6;
}

/** Draws a row from its label to `right`; frame 0 lies at `left`. */
export function rowSvg(row: DiagramRow, scale: TimeScale, left: number, right: number): string {
  const middle = row.kind === 'stream' ? ROW / 2 : LANE / 2 + 3;
  const label = `<text class="label" x="${MARGIN}" y="${middle + 4}">${escaped(row.label)}</text>`;
  if (row.kind === 'stream') return label + streamSvg(row.marks, scale, left, right, middle);
  const spans = lanesOf(row.spans).flatMap((lane, index) =>
    lane.map((span) => spanSvg(row.kind, span, scale, left, right, middle + index * LANE)),
  );
  return label + spans.join('');
}

function streamSvg(marks: readonly Mark[], scale: TimeScale, left: number, right: number, y: number): string {
  const places = placed(marks).map((place) => ({ ...place, x: left + scale.x(place.frame) + place.offset }));
  const last = places.at(-1);
  const hasEnded = last !== undefined && (last.mark.kind === 'complete' || last.mark.kind === 'error');
  const end = hasEnded ? last.x : right;
  const arrow = hasEnded ? '' : `<path class="line" d="M${end - 5} ${y - 4}l5 4l-5 4"/>`;
  const folds = scale.folds.map(({ x }) => left + x + FOLD / 2).filter((x) => x < end);
  const line = `<path class="line" d="${lineAround(left - RADIUS, end, folds, y)}"/>`;
  return line + arrow + places.map(({ mark, x }) => markSvg(mark, x, y)).join('');
}

/** A line with gaps where time is folded. */
function lineAround(from: number, to: number, gaps: readonly number[], y: number): string {
  return `M${from} ${y}${gaps.map((x) => `H${x - 4}M${x + 4} ${y}`).join('')}H${to}`;
}

function markSvg(mark: Mark, x: number, y: number): string {
  if (mark.kind === 'batch') return batchSvg(mark.letters, x, y);
  if (mark.kind === 'next') {
    return `<circle class="marble" cx="${x}" cy="${y}" r="${RADIUS}"/>${letterSvg(mark.letter, x, y)}`;
  }
  if (mark.kind === 'complete') return `<path class="end" d="M${x} ${y - 11}v22"/>`;
  return `<path class="end failed" d="M${x - 7} ${y - 7}l14 14m0 -14l-14 14"/>`;
}

function batchSvg(letters: readonly string[], x: number, y: number): string {
  const width = letters.length * LETTER + LETTER;
  const box = `<rect class="batch" x="${x - RADIUS}" y="${y - 12}" width="${width}" height="24" rx="5"/>`;
  const inside = letters.map((letter, index) => letterSvg(letter, x - RADIUS + LETTER * (index + 1), y));
  return box + inside.join('');
}

function letterSvg(letter: string, x: number, y: number): string {
  return `<text x="${x}" y="${y + 4}">${escaped(letter)}</text>`;
}

function spanSvg(
  kind: 'subscriptions' | 'attempts',
  span: DiagramSpan,
  scale: TimeScale,
  left: number,
  right: number,
  y: number,
): string {
  const from = left + scale.x(span.fromFrame);
  const to = Number.isFinite(span.toFrame) ? left + scale.x(span.toFrame) : right;
  if (kind === 'subscriptions') {
    const end = Number.isFinite(span.toFrame) ? `M${to} ${y - 5}v10` : '';
    return `<path class="line" d="M${from} ${y - 5}v10M${from} ${y}H${to}${end}"/>`;
  }
  const width = Math.max(8, to - from);
  const isWide = width >= span.letters.length * LETTER;
  const x = isWide ? from + width / 2 : from + width + 4 + (span.letters.length * LETTER) / 2;
  const bar = `<rect class="attempt ${span.end}" x="${from}" y="${y - 8}" width="${width}" height="16" rx="3"/>`;
  return bar + letterSvg(span.letters, x, y);
}

/** Puts overlapping spans into lanes under each other. */
function lanesOf(spans: readonly DiagramSpan[]): DiagramSpan[][] {
  const lanes: DiagramSpan[][] = [];
  for (const span of spans) {
    const lane = lanes.find((others) => endOf(others.at(-1)) < span.fromFrame);
    if (lane === undefined) lanes.push([span]);
    else lane.push(span);
  }
  return lanes;
}

/** The end of a bar and of its letters, which stand behind the bar if it is too short for them. */
function endOf(span: DiagramSpan | undefined): number {
  if (span === undefined) return Number.NEGATIVE_INFINITY;
  const behind = (span.toFrame - span.fromFrame) * FRAME >= span.letters.length * LETTER ? 0 : span.letters.length / 2;
  return span.toFrame + behind;
}
