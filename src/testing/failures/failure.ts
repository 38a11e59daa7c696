import { framesOf } from './callSite.ts';

/** A test in virtual time failed. The message is a drawing, or says what went wrong in a sentence. */
export class MarbleFailure extends Error {
  override readonly name: string = 'MarbleFailure';

  /** `site` gives its stack, `cause` is what was thrown, where that was not the kit's own. */
  constructor(message: string, site?: Error, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    // The line of the expectation is what a person looks for, not the place in here that found it broken.
    const frames = site === undefined ? [] : framesOf(site);
    if (frames.length > 0) this.stack = [`${this.name}: ${message}`, ...frames].join('\n');
  }
}

/** A run in virtual time reached its limit: something in it has no end. */
export class EndlessRun extends MarbleFailure {}
