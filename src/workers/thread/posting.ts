import { parentPort } from 'node:worker_threads';
import type { OpenOperator, OperatorOutput } from '../operatorTask/options.ts';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import type { FromThread, StateBooks } from '../protocol.ts';

/** Characters of what was thrown. */
const MAX_TEXT = 10_000;

const port = parentPort as NonNullable<typeof parentPort>;

/** What the output of an operator answers. */
export interface OutputWay {
  readonly session: number;
  /** `undefined`: it comes later than its chunk. */
  readonly job: number | undefined;
  /** Whether bytes are moved. */
  readonly isMoved: boolean;
}

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

/** Sends what has come out of an operator. Results that cannot be sent are told, and lost in its books. */
export function postOutput(
  way: OutputWay,
  output: OperatorOutput<unknown>,
  operator: OpenOperator<never, unknown>,
): void {
  try {
    postResults(way, output);
  } catch (thrown) {
    const { session } = way;
    postError({ kind: 'trouble', session, error: new NotCloneableError('the result', output.results, thrown) });
    const rest = operator.withoutUnsent(output, isCloneable);
    try {
      postResults(way, rest);
    } catch {
      // Copying it has worked, and sending it has not.
      postResults(
        way,
        operator.withoutUnsent(rest, () => false),
      );
    }
  }
}

function postResults({ session, job, isMoved }: OutputWay, { results, books }: OperatorOutput<unknown>): void {
  const { value, transfer } = isMoved ? packed(results) : { value: results, transfer: [] };
  const answer = job === undefined ? { kind: 'emitted', session } : { kind: 'done', job };
  port.postMessage({ ...answer, value, books }, transfer);
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
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
