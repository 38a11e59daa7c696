import { styleText } from 'node:util';
import type { ShownStats } from 'spanflow/terminal';

/** What one side did: by its own books, and by those of its backend. */
export interface Side {
  readonly name: string;
  readonly stats: ShownStats;
  readonly received?: number | undefined;
}

const USUAL_COLUMNS = 80;
const MAX_COLUMNS = 100;

/** Prints paragraphs that fit the terminal. */
export function say(...paragraphs: readonly string[]): void {
  for (const paragraph of paragraphs) console.log(wrapped(paragraph, columns()));
}

/** A title, in bold where there is colour. */
export function title(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** Ends the program when its output is read no more, as by `npm start | head`: otherwise the next line would be an uncaught EPIPE. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** Prints the books of the sides beside each other. */
export function printBooks(sides: readonly Side[]): void {
  const rows: [string, (side: Side) => number | undefined][] = [
    ['spans ended', ({ stats }) => stats.offered],
    ['delivered', ({ stats }) => stats.delivered],
    ['received by the backend', ({ received }) => received],
    ['lost', lostBy],
    ['pending', ({ stats }) => stats.pending],
    ['attempts that were retries', ({ stats }) => stats.retries],
  ];
  console.log(`\n${' '.repeat(28)}${title(sides.map(({ name }) => name.padStart(10)).join(''))}`);
  for (const [label, of] of rows) {
    const values = sides.map(of);
    if (values.every((value) => value === undefined)) continue;
    console.log(`${label.padEnd(28)}${values.map((value) => grouped(value).padStart(10)).join('')}`);
  }
}

/** The reasons of this side's losses, `12 queueFull, 3 permanent`. */
export function reasonsOf({ stats }: Side): string {
  const reasons = Object.entries({ ...stats.refused, ...stats.lost });
  return reasons.map(([reason, count]) => `${grouped(count)} ${reason}`).join(', ');
}

export function lostBy({ stats }: Side): number {
  const losses = [...Object.values(stats.refused), ...Object.values(stats.lost)];
  return losses.reduce((sum, count) => sum + count, 0);
}

/** Whether everything was delivered, and the backend says so too. */
export function isComplete({ stats, received = stats.delivered }: Side): boolean {
  return stats.delivered === stats.offered && stats.pending === 0 && received === stats.delivered;
}

/** A green or a red sentence, where there is colour. */
export function verdict(isGood: boolean, sentence: string): string {
  return styleText(['bold', isGood ? 'green' : 'red'], sentence, { stream: process.stdout });
}

export function grouped(count: number | undefined): string {
  return count === undefined ? '' : count.toLocaleString('en-US');
}

function columns(): number {
  return Math.min(MAX_COLUMNS, (process.stdout.columns || USUAL_COLUMNS) - 1);
}

/** Breaks between words. Lines after the first are indented like it. */
function wrapped(paragraph: string, width: number): string {
  const indent = /^ */.exec(paragraph)?.[0] ?? '';
  const lines: string[] = [];
  let line = indent;
  for (const word of paragraph.trim().split(' ')) {
    const longer = line.trim() === '' ? `${indent}${word}` : `${line} ${word}`;
    if (longer.length > width && line.trim() !== '') {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}
