import { styleText } from 'node:util';
import { columnsOf, type Line, type Tone } from './cells.ts';
import { frameOf, logOf, type Shown } from './frame.ts';
import type { StatsToConsoleSettings } from './options.ts';

type Stream = StatsToConsoleSettings['stream'];
type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<Tone, Style | undefined>> = {
  plain: undefined,
  name: 'bold',
  label: 'dim',
  flow: 'cyan',
  waiting: 'yellow',
  good: 'green',
  bad: ['bold', 'red'],
};

/** For a terminal that does not say how wide it is. */
const USUAL_COLUMNS = 80;
/** For a log, whose lines nobody wraps: with long names, the losses still fit. */
const LOG_COLUMNS = 120;
const USUAL_ROWS = 24;

const UP = (rows: number) => (rows === 0 ? '' : `\x1b[${rows}A`);
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** What is written to show a state. */
export interface Canvas {
  textOf(shown: Shown): string;
}

/** Whether pictures can be drawn again in place. */
export function isTerminal(stream: Stream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

/** A picture that is drawn over the one before. */
export class TerminalCanvas implements Canvas {
  readonly #stream: Stream;
  #columnsBefore: readonly number[] = []; // of each line that is seen

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  textOf(shown: Shown): string {
    const columns = this.#stream.columns || USUAL_COLUMNS;
    const rows = this.#stream.rows || USUAL_ROWS;
    // The last column stays free: some terminals begin a new line when it is written. So does the last row, for the cursor.
    const lines = frameOf(shown, columns - 1).slice(0, rows - 1);
    const text = lines.map((line) => `${styled(line, this.#stream)}${CLEAR_LINE_END}\n`).join('');
    const back = UP(rowsOf(this.#columnsBefore, columns));
    this.#columnsBefore = lines.map((line) => columnsOf(plain(line)));
    return `${back}\r${text}${CLEAR_BELOW}`;
  }
}

/** Lines below each other, where nothing can be drawn over. A source that has not changed gets none. */
export class LogCanvas implements Canvas {
  readonly #stream: Stream;
  #before: readonly string[] = [];

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  textOf(shown: Shown): string {
    const lines = logOf(shown, this.#stream.columns || LOG_COLUMNS).map((line) => styled(line, this.#stream));
    const text = lines.filter((line, index) => line !== this.#before[index]).map((line) => `${line}\n`);
    this.#before = lines;
    return text.join('');
  }
}

/** How many rows lines of these lengths take: a terminal that has become narrower has wrapped them. */
function rowsOf(lengths: readonly number[], columns: number): number {
  return lengths.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / columns)), 0);
}

function plain(line: Line): string {
  return line
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}

/** In colour where the stream has it. Node knows `NO_COLOR`, `FORCE_COLOR` and `TERM`. */
function styled(line: Line, stream: Stream): string {
  const cells = line.map(({ text, tone }) => {
    const style = STYLES[tone];
    return style === undefined ? text : styleText(style, text, { stream });
  });
  return cells.join('').trimEnd();
}
