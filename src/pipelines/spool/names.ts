import type { SignalName } from '../../model/signal.ts';

/**
 * The name of a spooled file says everything that is to be known before it is opened:
 *
 * ```
 * 1795971360000-9f3c21ab.traces.0.spool                       complete, and nobody's
 * 1795971360000-9f3c21ab.traces.0.spool.4711-88123-5d0c1f3e   of a process that writes it, or sends it
 * ```
 *
 * Whoever takes it renames it, which only one of several can.
 */
export interface SpoolName {
  /** Without its owner. */
  readonly base: string;
  readonly writtenAtMillis: number; // Unix time
  readonly signal: string;
  readonly way: string;
  readonly owner: string | undefined;
}

const PATTERN = /^((\d+)-[0-9a-f]+\.([a-z]+)\.([0-9a-f]+)\.spool)(?:\.([\w-]+))?$/;

export function spoolName(name: string): SpoolName | undefined {
  const [, base, millis, signal, way, owner] = PATTERN.exec(name) ?? [];
  if (base === undefined || signal === undefined || way === undefined) return undefined;
  return { base, writtenAtMillis: Number(millis), signal, way, owner };
}

/** A name that no other file has. */
export function newSpoolName(signal: SignalName, route: string | undefined, nowMillis: number): string {
  const chance = process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex');
  return `${nowMillis}-${chance}.${signal}.${wayOf(route)}.spool`;
}

/** The route as a part of a file's name; 0 where the flow does not fan out. */
export function wayOf(route: string | undefined): string {
  return route === undefined ? '0' : process.getBuiltinModule('node:zlib').crc32(`route ${route}`).toString(16);
}
