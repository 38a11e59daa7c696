import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One thing that a program reported: what it is, and the facts. */
export type Report = Readonly<Record<string, unknown>> & { readonly is: string };

/** A program that has ended, by itself or because it took too long. */
export interface Ended {
  readonly code: number | null;
  /** How it was killed, if it was: by us when it took longer than its bound. */
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly reports: readonly Report[];
  /** Unhandled rejections, uncaught exceptions and warnings of the process. */
  readonly faults: readonly Report[];
  /** The facts of the one report of that name. It throws when there is none, or more than one. */
  one(is: string): Report;
  all(is: string): readonly Report[];
}

export interface RunOptions {
  /** What the program gets to know. */
  readonly input?: object;
  readonly environment?: Readonly<Record<string, string>>;
  /** Given to its Node. */
  readonly flags?: readonly string[];
  /** Called with each report, as soon as it comes. */
  readonly onReport?: (report: Report) => void;
  /** Then it is killed, by its id. Default 150,000: a program that hangs, and none that is slow. */
  readonly boundMillis?: number;
}

/** A program that runs, and is told things while it does. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** Writes a line of JSON to its standard input. */
  tell(what: object): void;
  /** Ends its standard input. */
  tellNoMore(): void;
  kill(): void;
}

/** Runs one of `programs/` to its end. A rejection that nobody handles is raised in it as an exception. */
export function run(program: string, options: RunOptions = {}): Promise<Ended> {
  const running = start(new URL(`programs/${program}.ts`, import.meta.url), options);
  running.tellNoMore();
  return running.ended;
}

/** Starts a program, which is told what it has to do. */
export function start(program: URL, options: RunOptions = {}): Running {
  const path = fileURLToPath(program);
  const child = spawn(
    process.execPath,
    ['--unhandled-rejections=strict', ...(options.flags ?? []), path, JSON.stringify(options.input ?? {})],
    // Nothing of the one who runs the tests: neither OTEL_* nor NODE_OPTIONS.
    { env: { ...options.environment }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  child.stdin.on('error', () => {}); // it has ended: that is told by `ended`
  const reports: Report[] = [];
  let rest = ''; // of a line that is not whole
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const report = reportOf(line);
      reports.push(report);
      options.onReport?.(report);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const name = basename(path, '.ts');
  const ended = new Promise<Ended>((resolve, reject) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), options.boundMillis ?? 150_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(kill);
      resolve(endOf(name, code, signal, reports, stderr));
    });
  });
  return {
    ended,
    tell: (what) => void child.stdin.write(`${JSON.stringify(what)}\n`),
    tellNoMore: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  };
}

function endOf(
  program: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  reports: readonly Report[],
  stderr: string,
): Ended {
  const all = (is: string) => reports.filter((report) => report.is === is);
  const one = (is: string) => {
    const [report, ...others] = all(is);
    if (report !== undefined && others.length === 0) return report;
    const seen = JSON.stringify(reports, undefined, 1);
    throw new Error(
      `${program} reported ${is} ${all(is).length} times; it ended with ${code ?? signal}\n${seen}${stderr}`,
    );
  };
  return { code, signal, stderr, reports, faults: all('fault'), one, all };
}

function reportOf(line: string): Report {
  try {
    return JSON.parse(line) as Report;
  } catch {
    return { is: 'line', line };
  }
}
