import { Writable } from 'node:stream';
import tty from 'node:tty';
import { onTestFinished, vi } from 'vitest';

/** A stream that keeps what is written to it, as a terminal of this width shows it. */
export class FakeTerminal extends Writable {
  readonly isTTY: boolean;
  columns: number | undefined;
  rows: number | undefined;
  readonly texts: string[] = [];
  /** Whether it takes what is written. */
  isStalled = false;
  readonly #stalled: (() => void)[] = [];

  constructor(columns: number | undefined, isTerminal = true, rows = 40) {
    super({ decodeStrings: false });
    this.isTTY = isTerminal;
    this.columns = columns;
    this.rows = rows;
  }

  /** As of a real terminal: by the variables of the environment. */
  getColorDepth(): number {
    return tty.WriteStream.prototype.getColorDepth.call(this);
  }

  override _write(chunk: string, _: string, done: () => void): void {
    this.texts.push(chunk);
    if (this.isStalled) this.#stalled.push(done);
    else done();
  }

  /** Takes what it has not taken. */
  goOn(): void {
    this.isStalled = false;
    for (const done of this.#stalled.splice(0)) done();
  }

  get written(): string {
    return this.texts.join('');
  }

  /** What is seen. */
  screen(): string[] {
    return screenOf(this.written, this.columns ?? 80);
  }
}

/** The variables that say whether there is colour, until the test has ended. */
export function withColour(variables: Readonly<Record<string, string>>): void {
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI', 'TERM', 'COLORTERM', 'TMUX'])
    vi.stubEnv(name, variables[name]);
  if (variables.TERM === undefined) vi.stubEnv('TERM', 'xterm-256color');
  onTestFinished(() => void vi.unstubAllEnvs());
}

export function withoutStyles(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes begin with one
  return text.replace(/\x1b\[[0-9;]*m/g, '');
}

/** The rows of a terminal on which a text was written: as much of one as the escapes of a display need. A row that is longer than the terminal is wide goes on in the next one. */
export function screenOf(text: string, columns: number): string[] {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  const goTo = (index: number) => {
    row = index;
    while (rows.length <= row) rows.push('');
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes begin with one
  for (const [token, count, command] of withoutStyles(text).matchAll(/\x1b\[(\d*)([AJK])|./gsu)) {
    const line = rows[row] ?? '';
    if (command === 'A') row = Math.max(0, row - Number(count));
    else if (command === 'K') rows[row] = line.slice(0, column);
    else if (command === 'J') {
      rows[row] = line.slice(0, column);
      rows.length = row + 1;
    } else if (token === '\r') column = 0;
    else if (token === '\n') {
      column = 0;
      goTo(row + 1);
    } else {
      if (column >= columns) {
        column = 0;
        goTo(row + 1);
      }
      rows[row] = (rows[row] ?? '').slice(0, column).padEnd(column) + token + (rows[row] ?? '').slice(column + 1);
      column += 1;
    }
  }
  return rows.map((line) => line.trimEnd());
}
