import { durationText } from '../failures/text.ts';
import type { Diagram, DiagramRow } from './diagram.ts';
import { busyIn, heightOf, rowSvg } from './rowSvg.ts';
import { AXIS, escaped, FOLD, FRAME, LABEL_LETTER, MARGIN, RADIUS, ROW, STYLE } from './svgStyle.ts';
import { TimeScale } from './timeScale.ts';

/** Draws a diagram. Time runs to the right, inputs stand above the box, outputs below it. */
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

function boxSvg(title: string, y: number, right: number): string {
  const middle = Math.round((MARGIN + right) / 2);
  const box = `<rect class="box" x="${MARGIN}" y="${y}" width="${right - MARGIN}" height="${ROW - 6}" rx="4"/>`;
  return `${box}<text class="title" x="${middle}" y="${y + ROW / 2 + 1}">${escaped(title)}</text>`;
}

function axisSvg(scale: TimeScale, left: number, y: number): string {
  const ticks = scale.ticks().map((frame) => {
    const x = left + scale.x(frame);
    return `<path class="line" d="M${x} ${y}v4"/><text class="axis" x="${x}" y="${y + 15}">${durationText(frame)}</text>`;
  });
  const folds = scale.folds.map(({ x }) => `<text class="axis" x="${left + x + FOLD / 2}" y="${y + 6}">⋯</text>`);
  return [...ticks, ...folds].join('');
}
