import { framesOf } from './callSite.ts';

/** A test in virtual time failed. The message is a drawing, or a sentence that says what went wrong. */
export class MarbleFailure extends Error {
  /** The name of the class, which is part of the stack. */
  override readonly name: string = 'MarbleFailure';

  /** The stack is taken from `site`. `cause` is the error that the user's code threw, if one did. */
  constructor(message: string, site?: Error, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    // The user looks for the line of the expectation, not for the place in the kit that checked it.
    const frames = site === undefined ? [] : framesOf(site);
    if (frames.length > 0) this.stack = [`${this.name}: ${message}`, ...frames].join('\n');
  }
}

/** A run in virtual time reached its limit: something in it never ends. */
export class EndlessRun extends MarbleFailure {}
