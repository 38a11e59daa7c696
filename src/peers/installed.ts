import { dirname } from 'node:path';
import { messageOf, SpanflowError } from '../model/errors.ts';
import { find, load } from './requirePackage.cjs';

/** What brings the packages of OpenTelemetry along. Some package managers let nobody else see these. */
const BRINGERS = [
  '@opentelemetry/sdk-node',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-logs',
];

/** A package that only some programs have, or `undefined`. */
export function installed<M>(name: string): M | undefined {
  const place = placeOf(name);
  return place === undefined ? undefined : (load(place) as M);
}

/**
 * A package without which something cannot be done.
 *
 * @param need begins the message: what needs it
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function needed<M>(name: string, need: string): M {
  const place = requireInstalled(name, need);
  try {
    return load(place) as M;
  } catch (thrown) {
    throw missing(name, need, `cannot be loaded (${messageOf(thrown).split('\n', 1)[0]})`, thrown);
  }
}

/**
 * Where a package is, which is not loaded.
 *
 * @param need begins the message: what needs it
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function requireInstalled(name: string, need: string): string {
  const place = placeOf(name);
  if (place === undefined) throw missing(name, need, 'is not installed');
  return place;
}

function missing(name: string, need: string, why: string, cause?: unknown): SpanflowError {
  const message = `${need} needs the package ${name}, which ${why}: npm install ${name}`;
  return new SpanflowError('MISSING_PACKAGE', message, { cause });
}

function placeOf(name: string): string | undefined {
  const direct = found(name);
  if (direct !== undefined) return direct;
  for (const bringer of BRINGERS) {
    const place = found(bringer);
    const brought = place && found(name, dirname(place));
    if (brought !== undefined) return brought;
  }
  return undefined;
}

function found(name: string, folder?: string): string | undefined {
  try {
    return find(name, folder);
  } catch {
    return undefined;
  }
}
