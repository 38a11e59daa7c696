import { outsideAnyContext } from '../internal/timers.ts';
import { untraced } from '../internal/tracingSuppression.ts';
import { messageOf, SpanflowError } from '../model/errors.ts';
import { find, load } from './requireGrpc.cjs';

export type GrpcJs = typeof import('@grpc/grpc-js');

const NAME = '@grpc/grpc-js';

let loaded: GrpcJs | undefined;

export function isGrpcJsLoaded(): boolean {
  return loaded !== undefined;
}

/**
 * Loads `@grpc/grpc-js`, which holds the event loop for some 90 ms the first time.
 *
 * @param owner the function that the user has called
 * @throws SpanflowError `MISSING_PACKAGE`
 */
export function requireGrpcJs(owner: string): GrpcJs {
  loaded ??= outsideAnyContext(() => untraced(() => orMissing(owner, load)));
  return loaded;
}

/** @throws SpanflowError `MISSING_PACKAGE` if it is not installed. */
export function findGrpcJs(owner: string): void {
  orMissing(owner, find);
}

function orMissing<R>(owner: string, ask: () => R): R {
  try {
    return ask();
  } catch (cause) {
    const message = `${owner} needs the package ${NAME}, which cannot be loaded: npm install ${NAME}`;
    throw new SpanflowError('MISSING_PACKAGE', `${message} (${messageOf(cause).split('\n', 1)[0]})`, { cause });
  }
}
