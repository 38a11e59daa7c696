import { type ResourceLimits, Worker } from 'node:worker_threads';
import { outsideAnyContext } from '../../internal/timers.ts';
import type { ThreadEntry } from './threadEntry.ts';

export { type ThreadEntry, threadEntry } from './threadEntry.ts';

/** How a thread has ended without being told to. */
export interface ThreadCrash {
  /** `error`: an exception or a rejection that nothing caught · `outOfMemory`: it reached its `resourceLimits` · `exit`: it called `process.exit()` */
  readonly kind: 'error' | 'outOfMemory' | 'exit';
  /** What was thrown; for `exit` there is nothing. */
  readonly error: unknown;
  readonly exitCode: number;
}

export interface ThreadPlan<Answer> {
  readonly name: string;
  /** What it runs. */
  readonly entry: ThreadEntry;
  /** What it is told at its start. */
  readonly data: unknown;
  readonly resourceLimits?: ResourceLimits | undefined;
  readonly onAnswer: (message: Answer) => void;
  /** A result came that cannot be read here. */
  readonly onUnreadable: (error: unknown) => void;
  readonly onCrash: (crash: ThreadCrash) => void;
}

/** One worker thread. It keeps the process alive while it is busy, and only then. */
export class Thread<Message, Answer> {
  readonly #worker: Worker;
  #error: unknown;
  #isEnding = false; // we have ended it ourselves

  constructor({ name, entry, data, resourceLimits, onAnswer, onUnreadable, onCrash }: ThreadPlan<Answer>) {
    const { main, eval: isCode } = entry;
    const limits = resourceLimits === undefined ? {} : { resourceLimits };
    this.#worker = outsideAnyContext(() => new Worker(main, { eval: isCode, name, workerData: data, ...limits }));
    this.#worker.unref();
    this.#worker.on('message', (message: Answer) => {
      if (!this.#isEnding) onAnswer(message);
    });
    this.#worker.on('messageerror', onUnreadable);
    this.#worker.on('error', (error: unknown) => {
      this.#error = error;
    });
    this.#worker.on('exit', (exitCode) => {
      if (!this.#isEnding) onCrash({ kind: kindOf(this.#error), error: this.#error, exitCode });
    });
  }

  /** Throws if the message cannot be cloned. Then nothing was sent, and nothing detached. */
  post(message: Message, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  hold(): void {
    this.#worker.ref();
  }

  release(): void {
    this.#worker.unref();
  }

  /** Ends it, whatever it is doing. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }
}

function kindOf(error: unknown): ThreadCrash['kind'] {
  if (error === undefined) return 'exit';
  return (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'outOfMemory' : 'error';
}
