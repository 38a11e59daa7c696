// A `spanflow relay` in a process of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../src/cli/spanflow.ts', import.meta.url));

export interface RelayProcess {
  readonly child: ChildProcess;
  /** Of OTLP/HTTP. */
  readonly url: string;
  readonly grpc: string;
  readonly admin: string;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves when standard error has this. */
  told(text: string): Promise<void>;
  /** Sends a signal, and resolves with the exit code when it has ended. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts one, and resolves when it is ready. It is killed when the test has ended. */
export async function startRelay(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RelayProcess> {
  const child = spawn(process.execPath, ['--conditions=spanflow-source', COMMAND, 'relay', '--http', '0', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  let [output, errors] = ['', ''];
  let look = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    look();
  });
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      look = () => {
        if (holds()) resolve();
      };
      child.once('close', (code) => reject(new Error(`it ended with ${code}: ${output}${errors}`)));
      look();
    });
  await until(() => output.includes('ready\n'));
  const placeOf = (what: string) => new RegExp(`^${what} at (.*)$`, 'm').exec(output)?.[1] ?? '';
  return {
    child,
    url: placeOf('OTLP/HTTP'),
    grpc: placeOf('OTLP/gRPC'),
    admin: placeOf('admin'),
    output: () => output,
    errors: () => errors,
    told: (text) => until(() => errors.includes(text)),
    end: async (signal) => {
      if (signal !== undefined) child.kill(signal);
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}
