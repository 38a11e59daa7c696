import { InvalidOptionError } from '../../model/errors.ts';
import type { BackendAnswer } from './otlpAnswer.ts';
import type { BackendScript } from './otlpBackendApi.ts';
import type { BackendRequest } from './otlpRequest.ts';

/** The script of a backend, and its current position. */
export class AnswerScript {
  #script: BackendScript;
  #step = 0; // answers given so far

  constructor(script: BackendScript) {
    this.#script = checked(script);
  }

  /** Starts another script from its beginning. */
  replace(script: BackendScript): void {
    this.#script = checked(script);
    this.#step = 0;
  }

  /** The answer to the next request. The last one of a list repeats. */
  next(request: BackendRequest): BackendAnswer | Promise<BackendAnswer> {
    const step = this.#step;
    this.#step += 1;
    const script = this.#script;
    if (typeof script === 'function') return script(request, step);
    return isList(script) ? ((script[step] ?? script.at(-1)) as BackendAnswer) : script;
  }
}

function isList(script: BackendScript): script is readonly BackendAnswer[] {
  return Array.isArray(script);
}

function checked(script: BackendScript): BackendScript {
  if (!isList(script) || script.length > 0) return script;
  throw new InvalidOptionError('otlpBackend.answers', 'at least one answer', script);
}
