import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Then npm hangs: no measure of speed. Packing builds the package, which took more than two minutes beside other work. */
export const INSTALL_BOUND_MILLIS = 600_000;

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Conditions {
  /** For this repository alone: the module of `src` that `default` is made of. */
  readonly 'spanflow-source'?: string;
  readonly browser?: Conditions;
  readonly types: string;
  readonly default: string;
}

/** As much of a `package.json` as is looked at here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Conditions>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, Pick<Manifest, 'dependencies'>>>;
}

export function readJson<J>(path: string): J {
  return JSON.parse(readFileSync(path, 'utf8')) as J;
}

export const MANIFEST = readJson<Manifest>(join(ROOT, 'package.json'));

/** What a command said, and how it ended. It does not throw when that was badly. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SayOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly boundMillis?: number;
}

export async function say(command: string, args: readonly string[], options: SayOptions): Promise<Said> {
  const { cwd, environment, boundMillis = 150_000 } = options;
  const env = { ...process.env, ...environment };
  try {
    const said = await execute(command, args, { cwd, env, timeout: boundMillis, maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, ...said };
  } catch (error) {
    const { code, stdout, stderr, message } = error as Error & Partial<Said>;
    return { code: typeof code === 'number' ? code : -1, stdout: stdout ?? '', stderr: stderr || message };
  }
}

/** Packs this package into a folder, and returns the path of the tarball. */
export async function pack(into: string): Promise<string> {
  const said = await say('npm', ['pack', '--pack-destination', into], { cwd: ROOT, boundMillis: INSTALL_BOUND_MILLIS });
  if (said.code !== 0) throw new Error(`npm pack failed:\n${said.stderr}\n${said.stdout}`);
  const tarball = readdirSync(into).find((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(into, tarball);
}

/** An empty project, with the tarball, its peers and what the programs in `fixtures` need. */
export async function install(tarball: string, project: string, packages: readonly string[]): Promise<void> {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const at = (name: string) => `${name}@${MANIFEST.devDependencies?.[name]}`;
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...packages.map(at)];
  const said = await say('npm', args, { cwd: project, boundMillis: INSTALL_BOUND_MILLIS });
  if (said.code !== 0) {
    throw new Error(
      `The package cannot be installed in an empty project. This test needs the package registry, and does not pass without it.\n${said.stderr}`,
    );
  }
  cpSync(fileURLToPath(new URL('fixtures', import.meta.url)), project, { recursive: true });
}

/** Everything that is installed on behalf of some packages, as `by` finds them, themselves included. Peers belong to the project. */
export function installedFor(project: string, names: readonly string[], by = ''): string[] {
  const { packages } = readJson<Lock>(join(project, 'package-lock.json'));
  const found = new Set<string>();
  const visit = (name: string, from: string) => {
    const place = placeOf(packages, name, from);
    if (found.has(place)) return;
    found.add(place);
    for (const dependency of Object.keys(packages[place]?.dependencies ?? {})) visit(dependency, place);
  };
  for (const name of names) visit(name, by);
  return [...found].map((place) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)).sort();
}

/** Where Node finds a package that another one asks for: next to it, or further up. */
function placeOf(packages: Lock['packages'], name: string, from: string): string {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (place in packages) return place;
    if (folder === '') throw new Error(`${name} is not installed, but ${from || 'the project'} needs it`);
  }
}

/** The files below a folder, by their paths in it. */
export function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).sort();
}
