import type { OtlpReceiver } from '../inputs/otlpReceiver/index.ts';
import { otlpReceiver } from '../inputs/otlpReceiver/otlpReceiver.ts';
import { type RunInput, runInputOf } from '../inputs/runInput.ts';
import { warn } from '../internal/tracingSuppression.ts';
import { millis, settingsOf } from '../internal/validation.ts';
import { createLedger } from '../ledger/ledger.ts';
import { total } from '../ledger/stageStats.ts';
import { AdminServer } from './admin/adminServer.ts';
import type { Relay, RelayAddress, RelayReload, RelayReport, RelayState, RelayStats } from './api.ts';
import { Generation, type GenerationBase } from './composition/generation.ts';
import type { Plan } from './config/plan.ts';
import { reloaded } from './config/reloaded.ts';
import { OWNER, type RelayCompose, type RelayConfig } from './options.ts';
import { sumOfDrained } from './stats/drainBooks.ts';
import { figure, figuresOfLedger, figuresOfReceiver, NO_FIGURES, onlyCounters, sumOfFigures } from './stats/figures.ts';

/** A receiver, the composition behind it and those that it has replaced, and the server for whoever watches. */
export class RunningRelay implements Relay {
  readonly #receiver: OtlpReceiver;
  readonly #input: RunInput;
  readonly #ledger = createLedger(); // of the receiver, whose books go on when the composition is another one
  readonly #ownWay: RelayCompose | undefined;
  readonly #onFailure: () => void;
  readonly #admin: AdminServer | undefined;
  readonly #draining = new Set<Generation>(); // that were replaced and have something yet
  #config: RelayConfig;
  #plan: Plan;
  #current: Generation;
  #ended = NO_FIGURES; // the counters of those that have ended
  #refusedReloads = 0;
  #hasStarted = false; // the current composition takes what comes; ports may not be open yet
  #state: RelayState = 'starting';
  #address: RelayAddress = {};
  #listening: Promise<RelayAddress> | undefined;
  #shutdown: Promise<RelayReport> | undefined;

  constructor(config: RelayConfig, plan: Plan, ownWay: RelayCompose | undefined, onFailure: () => void) {
    this.#config = config;
    this.#plan = plan;
    this.#ownWay = ownWay;
    this.#onFailure = onFailure;
    this.#receiver = otlpReceiver({ ...plan.receiver, ledger: this.#ledger });
    this.#input = runInputOf(this.#receiver) as RunInput;
    this.#current = new Generation(1, this.#base, plan.compose);
    this.#admin = plan.admin && new AdminServer(this);
  }

  get address(): RelayAddress {
    return this.#address;
  }

  listen(): Promise<RelayAddress> {
    this.#listening ??= this.#open();
    return this.#listening;
  }

  reload(config: RelayConfig | (() => RelayConfig)): RelayReload {
    try {
      return this.#reload(typeof config === 'function' ? config() : config);
    } catch (thrown) {
      this.#refusedReloads += 1;
      throw thrown;
    }
  }

  stats(): RelayStats {
    const running = [this.#current, ...this.#draining];
    const books = running.flatMap((one) => {
      const stats = one.stats();
      return stats === undefined ? [] : [[`generation ${one.number}`, stats] as const];
    });
    return {
      state: this.#state,
      generation: this.#current.number,
      receiver: this.#receiver.stats(),
      ledgers: { receive: this.#ledger.stats(), ...Object.fromEntries(books) },
      figures: this.figures(),
    };
  }

  figures() {
    const running = [this.#current, ...this.#draining].flatMap((one) => one.stats() ?? []);
    return sumOfFigures([
      figuresOfReceiver(this.#receiver.stats()),
      figuresOfLedger(this.#ledger.stats(), 'receive'),
      ...running.map((stats) => figuresOfLedger(stats, 'send')),
      this.#ended,
      figure('counters', 'reloads', this.#current.number - 1),
      figure('counters', 'refused_reloads', this.#refusedReloads),
    ]);
  }

  notReady(): string | undefined {
    return this.#state === 'ready' ? undefined : `it is ${this.#state}`;
  }

  notAlive(): string | undefined {
    return this.#state === 'failed' ? 'its composition has ended by itself' : undefined;
  }

  shutdown(options: { timeoutMillis?: number } = {}): Promise<RelayReport> {
    const defaults = { timeoutMillis: this.#plan.shutdownTimeoutMillis };
    const rules = { timeoutMillis: millis(0) };
    const { timeoutMillis } = settingsOf<typeof defaults>(`${OWNER}.shutdown`, defaults, rules, options);
    this.#shutdown ??= this.#close(timeoutMillis);
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  get #base(): GenerationBase {
    const { shutdownTimeoutMillis } = this.#plan;
    return { receiver: this.#receiver, input: this.#input, shutdownTimeoutMillis };
  }

  async #open(): Promise<RelayAddress> {
    const admin = this.#plan.admin && (await this.#admin?.listen(this.#plan.admin));
    this.#hasStarted = true;
    this.#start(this.#current);
    try {
      this.#address = { ...(await this.#receiver.listen()), ...(admin !== undefined && { admin }) };
    } catch (thrown) {
      await this.shutdown({ timeoutMillis: 0 });
      throw thrown;
    }
    if (this.#state === 'starting') this.#state = 'ready';
    return this.#address;
  }

  #start(generation: Generation): void {
    generation.start((isExpected) => {
      if (this.#draining.delete(generation)) this.#keepCounters(generation);
      if (!isExpected) this.#fail(generation);
    });
  }

  #keepCounters(generation: Generation): void {
    const stats = generation.stats();
    if (stats !== undefined) this.#ended = sumOfFigures([this.#ended, onlyCounters(figuresOfLedger(stats, 'send'))]);
  }

  #fail(generation: Generation): void {
    if (generation !== this.#current || this.#shutdown !== undefined) return;
    this.#state = 'failed';
    warn(`${OWNER}: the composition has ended by itself, and requests are answered with 503 from now on`);
    this.#onFailure();
  }

  #reload(config: RelayConfig): RelayReload {
    const { plan, needsRestart, effective } = reloaded(this.#config, config, this.#ownWay);
    if (this.#shutdown !== undefined) return { needsRestart };
    this.#plan = plan;
    if (this.#ownWay === undefined) this.#replace(plan);
    this.#config = effective;
    return { needsRestart };
  }

  /** Within one turn, in which no request is looked at. The new one is composed before the old one is told to end. */
  #replace(plan: Plan): void {
    const next = new Generation(this.#current.number + 1, this.#base, plan.compose);
    const before = this.#current;
    this.#current = next;
    if (!this.#hasStarted) return;
    if (this.#state === 'failed') this.#keepCounters(before);
    else this.#draining.add(before);
    before.retire();
    this.#start(next);
    if (this.#state === 'failed') this.#state = 'ready';
  }

  async #close(timeoutMillis: number): Promise<RelayReport> {
    this.#state = 'draining';
    const lostBefore = total(this.#ledger.stats().lost);
    const answered = this.#receiver.shutdown({ timeoutMillis }).then(
      () => true,
      () => false,
    );
    const reports = await Promise.all(
      [this.#current, ...this.#draining].map((generation) => generation.shutdown(timeoutMillis)),
    );
    const isAnswered = await answered;
    this.#admin?.close();
    this.#state = 'stopped';
    const lostInQueue = total(this.#ledger.stats().lost) - lostBefore;
    const ofQueue = { items: lostInQueue, isRequired: true };
    const queue = { delivered: 0, lost: lostInQueue, losses: lostInQueue === 0 ? {} : { receive: ofQueue } };
    const drained = reports.filter((report) => report !== undefined);
    return { isDrained: isAnswered, ...sumOfDrained([queue, ...drained]) };
  }
}
