import cluster, { type Worker } from 'node:cluster';
import type { RelayAddress, RelayReport, RelayStats } from '../../relay/api.ts';
import type { RelayConfig } from '../../relay/options.ts';
import { NO_FIGURES, onlyCounters, type RelayFigures, sumOfFigures } from '../../relay/stats/figures.ts';
import { exponentialBackoff } from '../../strategies/backoff.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** How long a worker may take to tell its statistics, in milliseconds: one that is busy for longer is left out. */
const STATS_MILLIS = 2_000;

/** One that has worked for so long, in milliseconds, has not crashed because of how it begins. */
const STABLE_MILLIS = 60_000;

/** What a place needs of the primary process. */
export interface PlaceOwner {
  /** What a worker is started with now. */
  readonly config: () => RelayConfig;
  readonly onReady: (address: RelayAddress) => void;
  /** It cannot start at all. */
  readonly onFailed: (message: string, isMistake: boolean) => void;
  readonly onCrash: (how: string, delayMillis: number) => void;
}

/** One of the `--workers`: a process, and the next one when it has crashed. */
export class WorkerPlace {
  readonly #owner: PlaceOwner;
  readonly #answers = new Map<number, (stats?: RelayStats) => void>();
  readonly #ended = Promise.withResolvers<RelayReport | undefined>();
  #worker: Worker;
  #isReady = false;
  #readyAtMillis = Number.POSITIVE_INFINITY;
  #isEnding = false;
  #report: RelayReport | undefined;
  #step = exponentialBackoff().first(Math.random);
  #restart: NodeJS.Timeout | undefined;
  #asked = 0;
  #latest = NO_FIGURES; // of the worker that runs, when it was asked last
  #before = NO_FIGURES; // the counters of those that have crashed, as far as they are known

  constructor(owner: PlaceOwner) {
    this.#owner = owner;
    this.#worker = this.#fork();
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isEnding;
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  /** What is known of it; of one that does not answer, what it said last. */
  get figures(): RelayFigures {
    return sumOfFigures([this.#before, this.#latest]);
  }

  reload(config: RelayConfig): void {
    this.#tell({ kind: 'reload', config });
  }

  /** Its statistics; `undefined` if it does not answer. */
  async stats(): Promise<RelayStats | undefined> {
    if (!this.#isReady || !this.#worker.isConnected()) return undefined;
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve } = Promise.withResolvers<RelayStats | undefined>();
    const timer = setTimeout(resolve, STATS_MILLIS, undefined);
    this.#answers.set(id, resolve);
    this.#tell({ kind: 'stats', id });
    const stats = await promise;
    clearTimeout(timer);
    this.#answers.delete(id);
    if (stats !== undefined) this.#latest = stats.figures;
    return stats;
  }

  /** Resolves when the process has ended, with what it says of it. */
  shutdown(): Promise<RelayReport | undefined> {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    if (this.#worker.isDead()) this.#ended.resolve(undefined);
    else this.#tell({ kind: 'shutdown' });
    return this.#ended.promise;
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #fork(): Worker {
    const worker = cluster.fork();
    worker.on('message', (message: FromWorker | null) => this.#hear(message));
    worker.on('exit', (code, signal) => this.#exited(signal ?? `exit code ${code}`));
    return worker;
  }

  /** A module of the user's may send messages of its own, even `null`: they are ignored. */
  #hear(message: FromWorker | null): void {
    if (message?.kind === 'loaded') {
      if (!this.#isEnding) this.#tell({ kind: 'start', config: this.#owner.config() });
    } else if (message?.kind === 'ready') {
      this.#isReady = true;
      this.#readyAtMillis = performance.now();
      this.#owner.onReady(message.address);
    } else if (message?.kind === 'stats') this.#answers.get(message.id)?.(message.stats);
    else if (message?.kind === 'drained') this.#report = message.report;
    else if (message?.kind === 'failed') {
      this.#owner.onFailed(message.message, message.isMistake);
      this.kill(); // so that another one tries
    }
  }

  #exited(how: string): void {
    this.#isReady = false;
    for (const answer of this.#answers.values()) answer();
    this.#before = sumOfFigures([this.#before, onlyCounters(this.#latest)]);
    this.#latest = NO_FIGURES;
    if (this.#isEnding) this.#ended.resolve(this.#report);
    else this.#replace(how);
  }

  #replace(how: string): void {
    if (performance.now() - this.#readyAtMillis >= STABLE_MILLIS) this.#step = exponentialBackoff().first(Math.random);
    this.#readyAtMillis = Number.POSITIVE_INFINITY;
    const { delayMillis } = this.#step;
    this.#step = this.#step.next();
    this.#owner.onCrash(how, delayMillis);
    this.#restart = setTimeout(() => {
      this.#worker = this.#fork();
    }, delayMillis);
  }

  #tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message);
  }
}
