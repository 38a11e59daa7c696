import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, unavailableIn } from '../command.ts';

const SOURCES = ['main.go', 'go.mod', 'go.sum'].map((name) => join(import.meta.dirname, name));
const CACHE = fileURLToPath(new URL('../../../.interop', import.meta.url));
/** Cold, on two busy cores. */
const BUILD_BOUND_MILLIS = 45 * 60_000;
/** Where Go is when it is not in the PATH of whoever runs this. */
const USUAL_GO = '/usr/local/go/bin/go';

/** Why there is no Collector: that is no failure of what is tested. */
export class NoCollector extends Error {}

/**
 * The path of the Collector's binary, which is built from its Go modules unless it has been before.
 *
 * @throws NoCollector where there is no Go, or where modules are missing that cannot be fetched
 * @throws Error where it cannot be built for another reason
 */
export async function collectorBinary(): Promise<string> {
  const hash = createHash('sha256');
  for (const path of SOURCES) hash.update(readFileSync(path));
  const binary = join(CACHE, `collector-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  console.error('building the Collector: some minutes, this once');
  await build(binary);
  return binary;
}

/** @throws NoCollector and Error as {@link collectorBinary} does. */
export async function build(binary: string, go = goPath()): Promise<void> {
  mkdirSync(dirname(binary), { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const args = ['build', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', unfinished, '.'];
  const { code, said } = await run([go, ...args], { cwd: import.meta.dirname, boundMillis: BUILD_BOUND_MILLIS });
  if (code === 'ENOENT') throw new NoCollector('there is no Go (SPANFLOW_GO names where it is)');
  if (code !== 0) throw failureOf(said);
  renameSync(unfinished, binary);
}

/** Go where whoever runs this has it. */
export function goPath(): string {
  const { SPANFLOW_GO: named } = process.env;
  return named ?? (existsSync(USUAL_GO) ? USUAL_GO : 'go');
}

/** Decides by the output of a build that failed. */
export function failureOf(said: string): Error {
  const line = unavailableIn(said);
  if (line !== undefined) return new NoCollector(`its Go modules cannot be had (${line})`);
  return new Error(`the Collector cannot be built:\n${said}`);
}
