import type { Diagram, DiagramRow, DiagramSpan } from './diagram.ts';
import { millis } from './failure.ts';
import type { Mark } from './syntax.ts';
import { type Busy, TimeScale } from './timeScale.ts';

/** Pixels. A batch of n letters is never wider than its n + 2 characters in the drawing. */
const FRAME = 24;
const FOLD = 72;
const RADIUS = 10;
const LETTER = 12;
const ROW = 36;
const LANE = 22;
const MARGIN = 16;
const AXIS = 26;
const LABEL_LETTER = 7.4; // the width of one in the labels' type

/** It brings its own ground, so that it can be read on any page, whatever that page's reader prefers. */
const STYLE = [
  'text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;text-anchor:middle}',
  '.label{text-anchor:start;fill:#57606a}.title{font-weight:600}.axis{font-size:10px;fill:#57606a}',
  '.ground{fill:#fff;stroke:#d0d7de}.line{stroke:#8c959f;stroke-width:1.5;fill:none}',
  '.marble,.batch{fill:#ddf4ff;stroke:#0969da;stroke-width:1.5}.batch{fill:#fff8c5;stroke:#9a6700}',
  '.box{fill:#f6f8fa;stroke:#8c959f}.end{stroke:#1f2328;stroke-width:2;fill:none}.failed{stroke:#cf222e}',
  '.attempt{fill:#dafbe1;stroke:#1a7f37}.attempt.failed{fill:#ffebe9;stroke:#cf222e}.attempt.aborted{fill:none;stroke:#cf222e;stroke-dasharray:4 2}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.label,.axis{fill:#9198a1}',
  '.ground{fill:#0d1117;stroke:#3d444d}.line{stroke:#6e7681}.marble{fill:#0c2d6b;stroke:#58a6ff}.batch{fill:#3b2300;stroke:#d29922}',
  '.box{fill:#161b22;stroke:#6e7681}.end{stroke:#e6edf3}.failed{stroke:#f85149}',
  '.attempt{fill:#04260f;stroke:#3fb950}.attempt.failed{fill:#490202;stroke:#f85149}.attempt.aborted{fill:none;stroke:#f85149}}',
].join('');

/** Draws it: time runs to the right, what goes in stands above the box, what comes out below it. */
export function diagramSvg({ title, inputs, outputs }: Diagram): string {
  const rows = [...inputs, ...outputs];
  const scale = new TimeScale(rows.flatMap(busyIn), FRAME, FOLD);
  const labels = Math.ceil(Math.max(0, ...rows.map(({ label }) => label.length)) * LABEL_LETTER);
  const left = MARGIN + labels + MARGIN + RADIUS;
  const right = left + Math.max(scale.x(scale.lastFrame), title.length * LABEL_LETTER - labels) + FRAME;
  const parts: string[] = [];
  let y = MARGIN / 2;
  const draw = (row: DiagramRow) => {
    parts.push(`<g transform="translate(0 ${y})">${rowSvg(row, scale, left, right)}</g>`);
    y += heightOf(row);
  };
  for (const row of inputs) draw(row);
  parts.push(boxSvg(title, y + 4, right));
  y += ROW + 8;
  for (const row of outputs) draw(row);
  parts.push(axisSvg(scale, left, y));
  const [width, height] = [right + MARGIN, y + AXIS];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function busyIn(row: DiagramRow): Busy[] {
  if (row.kind === 'stream') {
    return placed(row.marks).map(({ frame, offset, width }) => {
      return { from: frame, to: frame + Math.ceil((offset + width) / FRAME) };
    });
  }
  const frames = row.spans.flatMap(({ fromFrame, toFrame }) => [fromFrame, toFrame]).filter(Number.isFinite);
  return frames.map((frame) => ({ from: frame, to: frame + 1 }));
}

/** What happens at one frame stands side by side, and takes the frames that its group takes in the drawing. */
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

function heightOf(row: DiagramRow): number {
  return row.kind === 'stream' ? ROW : Math.max(1, lanesOf(row.spans).length) * LANE + 6;
}

function rowSvg(row: DiagramRow, scale: TimeScale, left: number, right: number): string {
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

/** A gap in the line says that time is missing. */
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

/** Spans that overlap stand under each other. */
function lanesOf(spans: readonly DiagramSpan[]): DiagramSpan[][] {
  const lanes: DiagramSpan[][] = [];
  for (const span of spans) {
    const lane = lanes.find((others) => endOf(others.at(-1)) < span.fromFrame);
    if (lane === undefined) lanes.push([span]);
    else lane.push(span);
  }
  return lanes;
}

/** A bar that is too short for its letters has them behind it. */
function endOf(span: DiagramSpan | undefined): number {
  if (span === undefined) return Number.NEGATIVE_INFINITY;
  const behind = (span.toFrame - span.fromFrame) * FRAME >= span.letters.length * LETTER ? 0 : span.letters.length / 2;
  return span.toFrame + behind;
}

function boxSvg(title: string, y: number, right: number): string {
  const middle = Math.round((MARGIN + right) / 2);
  const box = `<rect class="box" x="${MARGIN}" y="${y}" width="${right - MARGIN}" height="${ROW - 6}" rx="4"/>`;
  return `${box}<text class="title" x="${middle}" y="${y + ROW / 2 + 1}">${escaped(title)}</text>`;
}

function axisSvg(scale: TimeScale, left: number, y: number): string {
  const ticks = scale.ticks().map((frame) => {
    const x = left + scale.x(frame);
    return `<path class="line" d="M${x} ${y}v4"/><text class="axis" x="${x}" y="${y + 15}">${millis(frame)}</text>`;
  });
  const folds = scale.folds.map(({ x }) => `<text class="axis" x="${left + x + FOLD / 2}" y="${y + 6}">⋯</text>`);
  return [...ticks, ...folds].join('');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
