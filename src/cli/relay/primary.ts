import cluster from 'node:cluster';
import { MAX_TIMER_MILLIS } from '../../internal/validation.ts';
import { AdminServer, type AdminSource } from '../../relay/admin/adminServer.ts';
import type { RelayAddress, RelayReport } from '../../relay/api.ts';
import { type Plan, planOf } from '../../relay/config/plan.ts';
import { reloaded } from '../../relay/config/reloaded.ts';
import type { RelayConfig } from '../../relay/options.ts';
import { sumOfDrained } from '../../relay/stats/drainBooks.ts';
import { figure, sumOfFigures, withoutCounters } from '../../relay/stats/figures.ts';
import { UsageError } from '../command.ts';
import type { RelayArguments } from './arguments.ts';
import { composeOf, configOf } from './configured.ts';
import { announce, farewell, isWhole } from './endings.ts';
import { followConfig } from './reloads.ts';
import { say } from './say.ts';
import { untilSignal } from './signals.ts';
import { WorkerPlace } from './workerPlace.ts';

/** A worker that has not ended so long after its deadline is killed, in milliseconds. */
const GRACE_MILLIS = 2_000;

/** Several processes on the same ports: this one starts them, asks them for their statistics, and ends them. */
export async function runPrimary(given: RelayArguments): Promise<number> {
  const compose = await composeOf(given);
  const config = configOf(given);
  cluster.setupPrimary({ serialization: 'advanced' }); // a configuration may hold Infinity
  const primary = new Primary(given.workers, config, planOf(config, compose));
  const signal = untilSignal(() => primary.kill());
  const unfollow = followConfig(given, (read) => primary.reload(read, compose));
  const address = await Promise.race([primary.listen(), signal.reason]);
  if (typeof address === 'object') announce(address);
  await signal.reason;
  unfollow();
  const report = await primary.shutdown();
  signal.leave();
  process.stdout.write(farewell(report));
  return isWhole(report) ? 0 : 1;
}

class Primary implements AdminSource {
  readonly #places: readonly WorkerPlace[];
  readonly #admin: AdminServer | undefined;
  readonly #ready = Promise.withResolvers<RelayAddress>();
  #config: RelayConfig;
  #plan: Plan;
  #isStarted = false;
  #isDraining = false;
  #crashes = 0;
  #reloads = 0;
  #refusedReloads = 0;

  constructor(workers: number, config: RelayConfig, plan: Plan) {
    this.#config = config;
    this.#plan = plan;
    this.#admin = plan.admin && new AdminServer(this);
    const owner = {
      config: () => withoutAdmin(this.#config),
      onReady: (address: RelayAddress) => this.#isReady(address),
      onFailed: (message: string, isMistake: boolean) => {
        if (this.#isStarted) say(message);
        else this.#ready.reject(isMistake ? new UsageError(message) : new Error(message));
      },
      onCrash: (how: string, delayMillis: number) => {
        this.#crashes += 1;
        say(`a worker has ended (${how}); another one is started in ${(delayMillis / 1_000).toFixed(1)} s`);
      },
    };
    this.#places = Array.from({ length: workers }, () => new WorkerPlace(owner));
  }

  /** Resolves when all workers listen. */
  async listen(): Promise<RelayAddress> {
    try {
      const admin = this.#plan.admin && (await this.#admin?.listen(this.#plan.admin));
      const address = await this.#ready.promise;
      this.#isStarted = true;
      return { ...address, ...(admin !== undefined && { admin }) };
    } catch (thrown) {
      await this.shutdown();
      throw thrown;
    }
  }

  reload(read: () => RelayConfig, compose: Parameters<typeof reloaded>[2]) {
    try {
      return this.#reload(read(), compose);
    } catch (thrown) {
      this.#refusedReloads += 1;
      throw thrown;
    }
  }

  #reload(config: RelayConfig, compose: Parameters<typeof reloaded>[2]) {
    const { effective, plan, needsRestart } = reloaded(this.#config, config, compose);
    this.#reloads += 1;
    this.#config = effective;
    this.#plan = plan;
    for (const place of this.#places) place.reload(withoutAdmin(effective));
    return { needsRestart };
  }

  async shutdown(): Promise<RelayReport> {
    this.#isDraining = true;
    const killMillis = Math.min(MAX_TIMER_MILLIS, this.#plan.shutdownTimeoutMillis + GRACE_MILLIS);
    const timer = setTimeout(() => this.kill(), killMillis);
    const reports = await Promise.all(this.#places.map((place) => place.shutdown()));
    clearTimeout(timer);
    this.#admin?.close();
    return {
      isDrained: reports.every((report) => report?.isDrained === true),
      ...sumOfDrained(reports.filter((report) => report !== undefined)),
    };
  }

  /** Ends everything at once. */
  kill(): void {
    for (const place of this.#places) place.kill();
  }

  notReady(): string | undefined {
    if (this.#isDraining) return 'it is draining';
    if (!this.#isStarted) return 'it is starting';
    return this.#places.some(({ isReady }) => isReady) ? undefined : 'no worker is ready';
  }

  notAlive(): undefined {
    return undefined;
  }

  async figures() {
    await Promise.all(this.#places.map((place) => place.stats()));
    return sumOfFigures([
      ...this.#places.map(({ figures }) => withoutCounters(figures, ['reloads', 'refused_reloads'])),
      figure('gauges', 'workers', this.#places.filter(({ isReady }) => isReady).length),
      figure('counters', 'worker_crashes', this.#crashes),
      // One reload is one, however many workers it reaches; what is refused here does not reach them.
      figure('counters', 'reloads', this.#reloads),
      figure('counters', 'refused_reloads', this.#refusedReloads),
    ]);
  }

  async stats() {
    const workers = await Promise.all(
      this.#places.map(async (place) => ({ pid: place.pid, stats: await place.stats() })),
    );
    return { workers, crashes: this.#crashes, figures: await this.figures() };
  }

  #isReady(address: RelayAddress): void {
    if (this.#places.every(({ isReady }) => isReady)) this.#ready.resolve(address);
  }
}

/** What a worker is started with: the primary process alone runs the admin server. */
function withoutAdmin({ admin: _, ...config }: RelayConfig): RelayConfig {
  return config;
}
