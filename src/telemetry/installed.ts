import { createRequire } from 'node:module';
import { messageOf, SpanflowError } from '../model/errors.ts';

/** A bundle of CommonJS has no URL: there packages are looked for from the working directory. */
const fromHere = createRequire(import.meta.url ?? `${process.cwd()}/`);

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
  return place === undefined ? undefined : (fromHere(place) as M);
}

/**
 * A package without which something cannot be done.
 *
 * @param need begins the message: what needs it
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function needed<M>(name: string, need: string): M {
  const fail = (why: string, cause?: unknown): never => {
    throw new SpanflowError('MISSING_PACKAGE', `${need} needs the package ${name}, which ${why}: npm install ${name}`, {
      cause,
    });
  };
  const place = placeOf(name) ?? fail('is not installed');
  try {
    return fromHere(place) as M;
  } catch (thrown) {
    return fail(`cannot be loaded (${messageOf(thrown).split('\n', 1)[0]})`, thrown);
  }
}

function placeOf(name: string): string | undefined {
  const direct = resolved(fromHere, name);
  if (direct !== undefined) return direct;
  for (const bringer of BRINGERS) {
    const place = resolved(fromHere, bringer);
    const brought = place && resolved(createRequire(place), name);
    if (brought !== undefined) return brought;
  }
  return undefined;
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
