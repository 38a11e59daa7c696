import { SpanflowError } from '../../model/errors.ts';
import { uncloneablePartOf } from './uncloneable.ts';

/** A value holds something that cannot be sent to another thread or process: a function, a symbol, a promise. Nothing was sent, and no bytes were detached. */
export class NotCloneableError extends SpanflowError {
  override readonly name = 'NotCloneableError';

  /** Where it is in the value: `.rules[0].test`; empty for the value itself, and where it was not found. */
  readonly path: string;

  constructor(what: string, value: unknown, cause: unknown) {
    const part = uncloneablePartOf(value);
    const where = part === undefined || part.path === '' ? what : `${what} at ${part.path}`;
    const found = part === undefined ? 'something that cannot be cloned' : part.kind;
    super(
      'NOT_CLONEABLE',
      `${where} is ${found}, which cannot be sent to another thread: send values, plain objects or bytes, and name functions by their module and export`,
      { cause },
    );
    this.path = part?.path ?? '';
  }
}
