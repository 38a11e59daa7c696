/**
 * `npm run docs`: the reference of every entry, from the doc blocks, into `.docs`. A warning of TypeDoc ends it with an error.
 *
 * Why a package of its own? TypeDoc reads with a TypeScript that is older than the project's, and nobody who only builds or tests needs either. So they are installed here, from a lock file, by the first call.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '..', '..');

if (!isInstalled()) run('npm', 'ci', '--prefix', here, '--ignore-scripts');
run(
  process.execPath,
  join(here, 'node_modules', 'typedoc', 'bin', 'typedoc'),
  '--options',
  join(here, 'typedoc.config.mjs'),
);
console.log('open .docs/index.html');

/** Whether what the lock file says is there. */
function isInstalled(): boolean {
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as Manifest;
  return Object.entries(dependencies ?? {}).every(([name, version]) => versionOf(name) === version);
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function versionOf(name: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')) as Manifest).version;
  } catch {
    return undefined;
  }
}

function run(command: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}
