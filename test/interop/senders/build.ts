import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, unavailableIn } from '../command.ts';
import { NoSender } from './sender.ts';

const CACHE = fileURLToPath(new URL('../../../.interop', import.meta.url));
const BUILD_BOUND_MILLIS = 15 * 60_000;

/** How the program of a language is built. */
export interface Recipe {
  readonly language: string;
  /** The files of the language's folder that decide what is built, relative to it. */
  readonly sources: readonly string[];
  /** What has to run, in the language's folder, to fill a folder that is empty. */
  readonly commands: (folder: string) => readonly (readonly [command: string, ...args: string[]])[];
}

/**
 * The folder in which a program is built, which happens again only when its sources change.
 *
 * @throws NoSender where the toolchain is missing, or packages that cannot be fetched
 * @throws Error where it cannot be built for another reason
 */
export async function built({ language, sources, commands }: Recipe, cache = CACHE): Promise<string> {
  const home = join(import.meta.dirname, language);
  const hash = createHash('sha256').update(JSON.stringify(commands('')));
  for (const source of sources) hash.update(readFileSync(join(home, source)));
  const folder = join(cache, `${language}-${hash.digest('hex').slice(0, 16)}`);
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return folder;
  console.error(`building the sender in ${language}, this once`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const command of commands(folder)) await done(language, command, home);
  mkdirSync(finished);
  return folder;
}

async function done(language: string, command: readonly [string, ...string[]], cwd: string): Promise<void> {
  const { code, said } = await run(command, { cwd, boundMillis: BUILD_BOUND_MILLIS });
  if (code === 'ENOENT') throw new NoSender(`there is no ${command[0]}`);
  const line = code === 0 ? undefined : unavailableIn(said);
  if (line !== undefined) throw new NoSender(`its packages cannot be had (${line})`);
  if (code !== 0) throw new Error(`the sender in ${language} cannot be built:\n${said}`);
}
