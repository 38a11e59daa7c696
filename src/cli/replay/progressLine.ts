import type { FileProgress } from '../../inputs/fromOtlpFile/options.ts';
import { megabytes, seconds } from './units.ts';

/** Without a terminal, one line is written per interval, in milliseconds. */
const LOG_INTERVAL_MILLIS = 10_000;

/** The progress on standard error: a line that is written over on a terminal, and one in ten seconds elsewhere. */
export class ProgressLine {
  readonly #isQuiet: boolean;
  readonly #isTerminal = process.stderr.isTTY === true;
  #toldAtMillis = performance.now();

  constructor(isQuiet: boolean) {
    this.#isQuiet = isQuiet;
  }

  show(progress: FileProgress): void {
    if (this.#isQuiet) return;
    if (this.#isTerminal) process.stderr.write(`\r\u001b[K${textOf(progress)}`);
    else if (performance.now() - this.#toldAtMillis >= LOG_INTERVAL_MILLIS) this.#log(progress);
  }

  end(): void {
    if (this.#isTerminal && !this.#isQuiet) process.stderr.write('\r\u001b[K');
  }

  #log(progress: FileProgress): void {
    this.#toldAtMillis = performance.now();
    process.stderr.write(`${textOf(progress)}\n`);
  }
}

function textOf({ readBytes, totalBytes, items, damaged, remainingMillis }: FileProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.floor((readBytes / totalBytes) * 100);
  const left = remainingMillis === undefined ? '' : `, ${seconds(remainingMillis)} left`;
  const bad = damaged === 0 ? '' : `, ${damaged.toLocaleString('en')} damaged`;
  return `${percent} % of ${megabytes(totalBytes)}, ${items.toLocaleString('en')} items${bad}${left}`;
}
