import { type Ended, type Report, type Running, start } from '../../process/child.ts';
import type { PipelineReport, TrialInput } from './trialInput.ts';

/** What else the processor does meanwhile, and what the engine forgets of its compiled code, is not to be seen in the heap. */
const FLAGS = ['--expose-gc', '--single-threaded-gc', '--no-flush-bytecode'];
/** Of all trials together: it ends a process that nobody waits for any more. */
const BOUND_MILLIS = 3_600_000;

/** What came of one trial. */
export interface TrialReport {
  readonly pipelines: readonly PipelineReport[];
  /** After each round, in bytes. */
  readonly heaps: readonly number[];
  /** Unhandled rejections, uncaught exceptions and warnings of the process. */
  readonly faults: readonly Report[];
}

interface Waiting {
  readonly reports: Report[];
  readonly onRecovering: () => void;
  readonly resolve: (report: TrialReport) => void;
  readonly reject: (error: Error) => void;
}

/** The process in which the pipelines are: apart from the backends, so that what is open there is theirs. */
export class Client {
  #running: Running | undefined;
  #waiting: Waiting | undefined; // the trial that is under way

  /** @param onRecovering called when the backend is to be mended */
  trial(input: TrialInput, onRecovering: () => void): Promise<TrialReport> {
    if (this.#waiting !== undefined) this.#giveUp();
    this.#running ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<TrialReport>();
    this.#waiting = { reports: [], onRecovering, resolve, reject };
    this.#running.tell(input);
    return promise;
  }

  /** Resolves with how the process has ended by itself; `undefined` if there was none, or the last trial is not over. */
  end(): Promise<Ended> | undefined {
    if (this.#waiting !== undefined) this.#giveUp();
    this.#running?.tellNoMore();
    return this.#running?.ended;
  }

  /** The trial before is not over: whatever it hangs at, the next one gets a process of its own. */
  #giveUp(): void {
    this.#running?.kill();
    this.#running = undefined;
    this.#waiting = undefined;
  }

  #start(): Running {
    const program = new URL('program.ts', import.meta.url);
    const onReport = (report: Report) => {
      if (this.#running === running) this.#take(report);
    };
    const running: Running = start(program, { flags: FLAGS, boundMillis: BOUND_MILLIS, onReport });
    running.ended.then((ended) => {
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#waiting?.reject(new Error(`the client ended with ${ended.code ?? ended.signal}: ${ended.stderr}`));
      this.#waiting = undefined;
    });
    return running;
  }

  #take(report: Report): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    waiting.reports.push(report);
    if (report.is === 'recovering') waiting.onRecovering();
    if (report.is === 'stillOpen') waiting.reject(new Error(`still open: ${JSON.stringify(report.left)}`));
    if (report.is !== 'over') return;
    this.#waiting = undefined;
    waiting.resolve(trialReport(waiting.reports));
  }
}

function trialReport(reports: readonly Report[]): TrialReport {
  const all = (is: string) => reports.filter((report) => report.is === is);
  return {
    pipelines: all('pipeline') as unknown as PipelineReport[],
    heaps: all('heap').map(({ bytes }) => Number(bytes)),
    faults: all('fault'),
  };
}
