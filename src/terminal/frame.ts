import { type Cell, columnsOf, count, cut, fitted, type Line, padEnd, padStart, type Tone } from './cells.ts';
import type { GaugeSamples, Sample, Samples } from './samples.ts';
import { sparkline } from './sparkline.ts';

/** What is shown. */
export interface Shown {
  readonly gauges: ReadonlyMap<string, GaugeSamples>;
  readonly sources: ReadonlyMap<string, Samples>;
}

interface Row {
  readonly label: string;
  readonly of: (sample: Sample) => number;
  readonly tone: (newest: number) => Tone;
}

/** In the order in which an item meets them. */
const ROWS: readonly Row[] = [
  { label: 'offered/s', of: (sample) => sample.offeredPerSecond, tone: () => 'label' },
  { label: 'pending', of: (sample) => sample.pending, tone: () => 'waiting' },
  { label: 'delivered/s', of: (sample) => sample.deliveredPerSecond, tone: () => 'flow' },
  { label: 'lost', of: (sample) => sample.lost, tone: (newest) => (newest > 0 ? 'bad' : 'good') },
];

const MAX_LABEL_COLUMNS = 24;
const INDENT = '  ';
const VALUE_COLUMNS = 10;
const STATE_COLUMNS = 12;
const SEPARATOR: Cell = { text: '  ', tone: 'plain' };

/** The picture of a terminal: a line for each gauge, and a group of lines for each source. No line has more than `columns`. */
export function frameOf(shown: Shown, columns: number): Line[] {
  const width = labelColumns(shown);
  const scales = ROWS.map((row) => scaleOf(row, shown));
  const lines: Line[] = [];
  for (const [name, { values, text }] of shown.gauges)
    lines.push(lineOf(cell(fitted(name, width), 'name'), width, values, scaleOfValues(values), text, 'plain', columns));
  for (const [name, samples] of shown.sources) {
    lines.push([cell(padEnd(fitted(name, width), width), 'name'), SEPARATOR, ...detailsOf(samples)]);
    for (const [index, row] of ROWS.entries()) {
      const values = samples.all.map(row.of);
      const newest = values.at(-1) ?? 0;
      const label = cell(`${INDENT}${row.label}`, 'label');
      lines.push(lineOf(label, width, values, scales[index] as number, count(newest), row.tone(newest), columns));
    }
  }
  return lines.map((line) => cut(line, columns));
}

/** One line of a log for each source, in at most `columns`. */
export function logOf(shown: Shown, columns: number): Line[] {
  const gauges = [...shown.gauges].map(([name, { text }]) => cell(`${escapedName(name)} ${text}`, 'plain'));
  return [...shown.sources].map(([name, samples]) => {
    const { last } = samples;
    const numbers = ROWS.map(({ label, of, tone }) => {
      const value = last === undefined ? 0 : of(last);
      return cell(
        label.endsWith('/s') ? `${label.slice(0, -2)} ${count(value)}/s` : `${label} ${count(value)}`,
        tone(value),
      );
    });
    return whole([...gauges, cell(escapedName(name), 'name'), ...numbers, ...detailCells(samples)], columns);
  });
}

function escapedName(name: string): string {
  return fitted(name, MAX_LABEL_COLUMNS);
}

/** The cells with gaps between them, without those at the end that do not fit as a whole. */
function whole(cells: readonly Cell[], columns: number): Line {
  const line: Cell[] = [];
  let used = 0;
  for (const next of cells) {
    used += columnsOf(next.text) + (line.length === 0 ? 0 : SEPARATOR.text.length);
    if (used > columns) break;
    if (line.length > 0) line.push(SEPARATOR);
    line.push(next);
  }
  return line;
}

/** Label, sparkline, and the newest value at the right margin. */
function lineOf(
  label: Cell,
  labelWidth: number,
  values: readonly number[],
  max: number,
  text: string,
  tone: Tone,
  columns: number,
): Line {
  const shownValue = padStart(fitted(text, VALUE_COLUMNS), VALUE_COLUMNS);
  const sparkWidth = columns - labelWidth - 2 * SEPARATOR.text.length - VALUE_COLUMNS;
  const blocks = padEnd(sparkline(values, sparkWidth, max), Math.max(0, sparkWidth));
  return [
    { ...label, text: padEnd(label.text, labelWidth) },
    SEPARATOR,
    cell(blocks, tone),
    SEPARATOR,
    cell(shownValue, tone),
  ];
}

function detailsOf(samples: Samples): Line {
  return detailCells(samples).flatMap((detail, index) => (index === 0 ? [detail] : [SEPARATOR, detail]));
}

function detailCells({ last, state }: Samples): Cell[] {
  const { batchSize, inFlight, retries, rejected } = last?.stats ?? {};
  const named = {
    'batch size': batchSize || undefined,
    'in flight': inFlight,
    retries,
    rejected: rejected || undefined,
  };
  const numbers = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [cell(`${name} ${count(value)}`, 'label')],
  );
  return state === '' ? numbers : [cell(fitted(state, STATE_COLUMNS), TONES[state] ?? 'label'), ...numbers];
}

/** Of the states that somebody should look at. */
const TONES: Readonly<Record<string, Tone>> = Object.freeze({ degraded: 'bad', paused: 'waiting' });

function labelColumns({ gauges, sources }: Shown): number {
  const names = [...gauges.keys(), ...sources.keys(), ...ROWS.map(({ label }) => `${INDENT}${label}`)];
  return Math.min(MAX_LABEL_COLUMNS, Math.max(...names.map(columnsOf)));
}

/** One scale for a row of all sources, so that they can be compared. */
function scaleOf({ of }: Row, { sources }: Shown): number {
  return scaleOfValues([...sources.values()].flatMap(({ all }) => all.map(of)));
}

function scaleOfValues(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, value), Number.MIN_VALUE);
}

function cell(text: string, tone: Tone): Cell {
  return { text, tone };
}
