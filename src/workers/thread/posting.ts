import { parentPort } from 'node:worker_threads';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import type { FromThread, StateBooks } from '../protocol.ts';

/** Characters of what was thrown. */
const MAX_TEXT = 10_000;

const port = parentPort as NonNullable<typeof parentPort>;

/** Answers a job. What cannot be sent makes a failure of it. */
export function postDone(message: Extract<FromThread, { kind: 'done' }>, isMoved: boolean): void {
  const { value, transfer } = isMoved ? packed(message.value) : { value: message.value, transfer: [] };
  try {
    port.postMessage({ ...message, value }, transfer);
  } catch (error) {
    postFailed(message.job, new NotCloneableError('the result', message.value, error), message.books);
  }
}

export function postFailed(job: number, error: unknown, books: StateBooks | undefined): void {
  postError({ kind: 'failed', job, error, books });
}

/** What has come out of an operator later than its chunk. Where it cannot be sent, the books say that it is lost. */
export function postEmitted(message: Extract<FromThread, { kind: 'emitted' }>): void {
  const { value, transfer } = packed(message.value);
  try {
    port.postMessage({ ...message, value }, transfer);
  } catch (thrown) {
    const error = new NotCloneableError('the result', message.value, thrown);
    postError({ kind: 'trouble', session: message.session, error });
    port.postMessage({ ...message, value: [] });
  }
}

export function postError(message: Extract<FromThread, { readonly error: unknown }>): void {
  const { error } = message;
  const text = error instanceof Error ? error.message : String(error);
  try {
    if (text.length > MAX_TEXT) throw new Error('a copy in the program would take too much of its memory');
    port.postMessage(message);
  } catch {
    // What was thrown cannot be sent.
    port.postMessage({ ...message, error: new Error(text.slice(0, MAX_TEXT)) });
  }
}

export function postFlushed(flush: number): void {
  port.postMessage({ kind: 'flushed', flush } satisfies FromThread);
}
