import { spawn } from 'node:child_process';

const MAX_SAID_CHARACTERS = 4_000;

/** How a command ended, and what it said where commands say what is wrong. */
export interface Ended {
  /** Its exit code, or the code of the error where it could not be started. */
  readonly code: number | string | null;
  readonly said: string;
}

/** Runs a command of a build, and never rejects. */
export function run(
  [command, ...args]: readonly [command: string, ...args: string[]],
  { cwd, boundMillis }: { readonly cwd: string; readonly boundMillis: number },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: boundMillis,
      env: { ...process.env, GOWORK: 'off' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ code: error.code ?? 'unknown', said: error.message }),
    );
    child.on('close', (code) => resolve({ code, said: said.trim().slice(-MAX_SAID_CHARACTERS) }));
  });
}

/** What Go, pip and Maven say when they cannot reach whoever has the packages, or may not, and when they are too old for them. */
const UNAVAILABLE = new RegExp(
  [
    ...['dial tcp', 'no such host', 'connection refused', 'i/o timeout', 'TLS handshake timeout', 'proxyconnect'],
    ...['network is unreachable', 'module lookup disabled', 'toolchain not available', 'requires go'],
    ...['invalid go version', 'No matching distribution', 'Failed to establish a new connection'],
    ...['Could not transfer artifact', 'Could not find artifact', 'offline mode', 'Unknown host', 'No compiler is'],
    ...['release version \\d+ not supported', 'ensurepip is not'],
  ].join('|'),
  'i',
);

/** The line of a failed build that says that something is not to be had here, or `undefined`: then it fails for another reason. */
export function unavailableIn(said: string): string | undefined {
  return said
    .split('\n')
    .find((line) => UNAVAILABLE.test(line))
    ?.trim();
}
