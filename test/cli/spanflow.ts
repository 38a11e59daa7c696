import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CommandRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const COMMAND = fileURLToPath(new URL('../../src/cli/spanflow.ts', import.meta.url));

/** Runs the command `spanflow` of the sources to its end. A command that hangs is killed, by its id. */
export function spanflow(
  args: readonly string[],
  {
    onStderr = () => {},
    env = {},
  }: {
    readonly onStderr?: (text: string, interrupt: () => void) => void;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<CommandRun> {
  const child = spawn(process.execPath, ['--conditions=spanflow-source', COMMAND, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr(stderr, () => child.kill('SIGINT'));
  });
  return new Promise((resolve, reject) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), 150_000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(kill);
      resolve({ code, stdout, stderr });
    });
  });
}
