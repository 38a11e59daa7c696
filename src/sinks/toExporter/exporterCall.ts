import { Subscription } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import { type Attempt, ExportError, type Failure, type Response } from '../../model/sink.ts';
import type { ResourceWait } from '../shared/resources.ts';
import { failureOfExporter } from './exporterFailure.ts';
import type { ExportResult, OneExport } from './exporters.ts';

/** Calls what is not ours so that it makes no spans, and keeps nothing of the request that happens to be under way. */
export function detached<R>(work: () => R): R {
  return outsideAnyContext(() => untraced(work));
}

/** One call of an exporter, which has it to itself until it has answered, or is given up. */
export class ExporterCall<Item> {
  readonly #exports: (items: readonly Item[]) => OneExport[];
  readonly #graceMillis: number;
  readonly #onEnd: () => void;
  #isAbandoned = false; // its attempt was given up
  #isMade = false;
  #isOver = false;
  #grace = Subscription.EMPTY;

  constructor(exports: (items: readonly Item[]) => OneExport[], graceMillis: number, onEnd: () => void) {
    this.#exports = exports;
    this.#graceMillis = graceMillis;
    this.#onEnd = onEnd;
  }

  async run(items: readonly Item[], wait: ResourceWait<Item>, attempt: Attempt | undefined): Promise<Response> {
    await wait(items);
    // Its attempt was given up meanwhile: the exporter never sees it.
    if (this.#isAbandoned) return {};
    this.#isMade = true;
    attempt?.enter('sending');
    try {
      return await this.#exportAll(items);
    } finally {
      // Before the answer: the subscriber may send the next batch at once.
      this.#end();
    }
  }

  /** Its attempt was given up; the exporter may still answer within the grace. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isAbandoned = true;
    if (this.#isMade) this.#grace = after(monotonicScheduler, this.#graceMillis, () => this.#end());
    else this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#grace.unsubscribe();
    this.#onEnd();
  }

  async #exportAll(items: readonly Item[]): Promise<Response> {
    let arrived = 0; // calls that were answered with success
    for (const one of this.#exports(items)) {
      // Nobody waits for the others.
      if (this.#isAbandoned) break;
      await this.#answerTo(one).catch((error: ExportError) => {
        throw arrived === 0 ? error : inDoubt(error);
      });
      arrived += 1;
    }
    return {};
  }

  #answerTo(one: OneExport): Promise<void> {
    return new Promise((resolve, reject) => {
      const threw = (thrown: unknown) => {
        const message = `the exporter threw: ${escaped(messageOf(thrown))}`;
        reject(new ExportError({ kind: 'retryable' }, message, { cause: thrown }));
      };
      const answered = (result: ExportResult) => {
        const failure = failureIn(result);
        if (failure === undefined) resolve();
        else reject(failure);
      };
      try {
        // It is to return nothing; an `async` one returns a promise, whose rejection would end the process.
        const returned: unknown = detached(() => one(answered));
        Promise.resolve(returned).catch(threw);
      } catch (thrown) {
        threw(thrown);
      }
    });
  }
}

/** Of several collections, some have arrived: the same batch again brings them twice. */
function inDoubt(error: ExportError): ExportError {
  const isFinal = error.failure.kind === 'permanent';
  const failure: Failure = isFinal ? { kind: 'permanent', mayHaveArrived: true } : { kind: 'unknownOutcome' };
  return new ExportError(failure, error.message, { cause: error });
}

/** What an exporter says may be anything, and this runs on the exporter's own stack: it must not throw. */
function failureIn(result: Partial<ExportResult> | undefined): ExportError | undefined {
  try {
    return failureOfResult(result);
  } catch (thrown) {
    const message = `the exporter's result cannot be read: ${escaped(messageOf(thrown))}`;
    return new ExportError({ kind: 'retryable' }, message, { cause: thrown });
  }
}

function failureOfResult(result: Partial<ExportResult> | undefined): ExportError | undefined {
  // 0 is SUCCESS in `ExportResultCode`.
  if (result?.code === 0) return undefined;
  const error: unknown = result?.error;
  const message = error === undefined ? 'the exporter failed and did not say why' : escaped(messageOf(error));
  return new ExportError(failureOfExporter(error), message, { cause: error });
}
