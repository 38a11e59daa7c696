import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Orders } from './programs/victim.ts';

/** What a victim has told: a word, and what belongs to it. */
export type Told = readonly [word: string, ...rest: string[]];

/** Then something hangs: no measure of speed. */
const BOUND_MILLIS = 300_000;

/** A process that writes. It is started before it is needed: to start costs more than to write. */
export class Victim {
  readonly #process: ChildProcess;
  /** Resolves when the process has ended, and all that it told was read. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  onTold: (told: Told) => void = () => {};

  constructor(env: NodeJS.ProcessEnv) {
    const path = fileURLToPath(new URL('programs/victim.ts', import.meta.url));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {}); // it was killed
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.onTold(line.split(' ') as unknown as Told));
    const bound = setTimeout(() => this.kill(), BOUND_MILLIS);
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(bound);
        resolve({ code, stderr });
      });
    });
  }

  order(orders: Orders): void {
    this.#process.stdin?.write(`${JSON.stringify(orders)}\n`);
  }

  close(): void {
    this.#process.stdin?.write('close\n');
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
