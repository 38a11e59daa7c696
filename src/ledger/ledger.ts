import { Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import { CallFrame } from '../internal/callFrame.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { aBoolean, aScheduler, millis, must, requireRule, settingsOf, shape } from '../internal/validation.ts';
import type { Keeper } from '../model/keeper.ts';
import type { SignalName } from '../model/signal.ts';
import type { Loss, Tally } from '../model/tally.ts';
import { Account, type AccountOwner, type Place, type Role } from './account.ts';
import type { ExportOperation } from './exports.ts';
import { Follower } from './follower.ts';
import { type GaugeSums, sumOfStages } from './gauges.ts';
import { Graph } from './graph.ts';
import { Line } from './line.ts';
import type { StageStats } from './stageStats.ts';
import { countsOf, exportsOf, type Stats } from './stats.ts';

/** Keeps the books of the stages that are given it. */
export interface Ledger {
  /** The books now. */
  stats(): Stats;
  /** The present books, then the new ones whenever they have changed, at most once per interval. No timer runs while nothing changes. */
  readonly stats$: Observable<Stats>;
  /**
   * The same books, for the stages of one route behind a fan-out. Each of them follows the one that was opened before it on this route. The first one follows the stage in front of the fan-out: the one that was opened last on this ledger by then, or the input, if that one is a sink.
   *
   * @param name its key in `stats().routes`
   * @param options `required`: whether an item has to be delivered there, too, to count as delivered in the whole. Default `true`
   */
  route(name: string, options?: { required?: boolean }): Ledger;
  /** @internal Opens the books of one stage. */
  open(role: Role, stage: string): Account;
  /** @internal The same for a stage that is opened when it is subscribed: later than the stages behind it. Its place is not inferred. */
  openBefore(role: Role, stage: string, follower: Account | undefined): Account;
  /** @internal Whether it is one of its accounts, on whichever route. */
  has(account: Account): boolean;
  /** @internal Tells what is lost in all its stages, and what callbacks throw there. The returned function ends that. */
  watch(watcher: LedgerWatcher): () => void;
  /** @internal Whether the destination of one of its stages is failing. */
  readonly isFailing: boolean;
  /** @internal Counts an error of a callback that belongs to no stage. */
  callbackFailed(): void;
  /** @internal Its stages, in the order in which they stand. */
  readonly accounts: readonly Account[];
  /** @internal What its items are, if an input knows. */
  readonly signal: SignalName | undefined;
  /** @internal An input knows what its items are. */
  carries(signal: SignalName): void;
  /** @internal The calls of the sinks' `export`, in all its stages. */
  readonly exportCalls: CallFrame;
  /** @internal From now on this keeps what its stages would lose at the end of the program. */
  keepWith(keeper: Keeper): void;
  /** @internal Ends `stats$`, with the final books. */
  close(): void;
}

/** Who is told of losses, of callbacks that throw, of exports that have ended, of destinations that fail, and of the end of the books. */
export interface LedgerWatcher {
  lost?(loss: Loss): void;
  callbackFailed?(thrown: unknown): void;
  exported?(by: Account, tally: Tally, operation: ExportOperation): void;
  closed?(): void;
  /** `isFailing` of the ledger may have changed. */
  healthChanged?(): void;
}

/** The options of {@link createLedger}. */
export interface LedgerOptions {
  /** `stats$` emits at most once per interval, in milliseconds: 10 or more. Default 1,000. */
  intervalMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export const LEDGER_DEFAULTS: Readonly<Required<LedgerOptions>> = Object.freeze({
  intervalMillis: 1_000,
  scheduler: monotonicScheduler,
});

const LEDGER_RULES = { intervalMillis: millis(10), scheduler: aScheduler };

export const aLedger = shape('a ledger of createLedger()', 'open');

/** The route that a stage is on. */
type RoutePlace = Pick<Place, 'route' | 'isRequired'>;

const MAIN: RoutePlace = Object.freeze({ route: undefined, isRequired: true });

const ROUTE_RULES = { required: aBoolean };

const aRouteName = must('a string that is not empty', (name) => typeof name === 'string' && name !== '');

/** Stages that have books of their own. Beyond this number, stages of one name and route share an account: a pipeline per tenant must not fill the memory. */
const MAX_STAGES = 256;

/**
 * Makes a ledger, to be given to each stage of one pipeline.
 *
 * A stage follows the one that was opened before it: the order of the operators in the program is their order in the books. Inputs that are opened one after the other are merged. A sink that was opened before its batcher is put behind it when its first batch comes. Behind
 * a fan-out, give the stages of each route `ledger.route('name')` instead: then `stats().routes` has the totals of each, and an item counts as delivered in the whole when the route that has delivered least has
 * delivered it. Without it, what begins after the end of a chain is a further one from the same input; several chains that share the items out (`groupBy`) are summed up, and chains that each get every item are routes
 * named after their last stage.
 *
 * What the totals are based on: a chain that is subscribed later than another one has missed what came before, and that counts as `between` on its route. An operator function that is applied in two pipes
 * (`const batches = adaptiveBatch({ ledger })`) has one account for both: make one for each.
 *
 * `stats()` costs some microseconds for a handful of stages, and grows with their number (`npm run bench -- --only intake` prints it); `stats$` costs one such call per interval in which something changed. Nothing is
 * kept up to date in between. Up to 256 stages have books of their own; beyond that, stages of one name and route share theirs.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const ledger = createLedger();
 * const input = fromSpanProcessor({ ledger });
 * input.spans$.pipe(adaptiveBatch({ ledger }), exportTo(toConsole(), { ledger })).subscribe();
 * ledger.stats().pending; // => 0
 * ```
 */
export function createLedger(options: LedgerOptions = {}): Ledger {
  const { intervalMillis, scheduler } = settingsOf('createLedger', LEDGER_DEFAULTS, LEDGER_RULES, options);
  const ledger = new Books(intervalMillis, scheduler).at(MAIN, new Line());
  ledgers.set(ledger.stats$, ledger);
  return ledger;
}

const ledgers = new WeakMap<object, Ledger>(); // by their `stats$`, which pipelines show, too

/** The ledger behind what is shown of it: a ledger, or a pipeline with its `stats$`. */
export function ledgerOf({ stats$ }: Partial<Pick<Ledger, 'stats$'>>): Ledger | undefined {
  return stats$ && ledgers.get(stats$);
}

/** What all routes of one ledger share. */
class Books implements AccountOwner {
  readonly exportCalls = new CallFrame();
  keeper: Keeper | undefined;
  isFollowed = false; // by a subscriber of `stats$`
  readonly #intervalMillis: number;
  readonly #scheduler: SchedulerLike;
  readonly #graph = new Graph();
  readonly #followers = new Set<Follower>(); // of `stats$`
  readonly #watchers = new Set<LedgerWatcher>();
  readonly #stats$: Observable<Stats>;
  #callbackErrors = 0; // that belong to no stage
  #signal: SignalName | undefined; // of the first input that knows
  #closed = false;

  constructor(intervalMillis: number, scheduler: SchedulerLike) {
    this.#intervalMillis = intervalMillis;
    this.#scheduler = scheduler;
    this.#stats$ = new Observable((subscriber) => this.#follow(subscriber));
  }

  /** The ledger, for stages that stand in this line. */
  at(place: RoutePlace, line: Line): Ledger {
    const accounts = () => this.#graph.stages;
    const signal = () => this.#signal;
    const isFailing = () => this.#isFailing;
    return {
      stats: () => this.#stats(),
      stats$: this.#stats$,
      route: (name, options = {}) => {
        requireRule('ledger.route.name', name, aRouteName);
        const { required } = settingsOf<{ required: boolean }>(
          'ledger.route',
          { required: true },
          ROUTE_RULES,
          options,
        );
        const route = place.route === undefined ? name : `${place.route}/${name}`;
        return this.at({ route, isRequired: place.isRequired && required }, line.branch());
      },
      open: (role, stage) => this.#open(role, stage, place, line),
      openBefore: (role, stage, follower) => this.#openBefore(role, stage, place, follower),
      has: (account) => this.has(account),
      watch: (watcher) => {
        this.#watchers.add(watcher);
        return () => this.#watchers.delete(watcher);
      },
      get isFailing() {
        return isFailing();
      },
      callbackFailed: () => this.#callbackFailed(),
      get accounts() {
        return accounts();
      },
      get signal() {
        return signal();
      },
      carries: (known) => {
        this.#signal ??= known;
      },
      exportCalls: this.exportCalls,
      keepWith: (keeper) => {
        this.keeper = keeper;
      },
      close: () => this.#close(),
    };
  }

  #open(role: Role, stage: string, on: RoutePlace, line: Line): Account {
    const { account, isNew } = this.#accountOf(role, stage, on, line.end(role));
    if (!isNew) return account;
    line.add(account);
    this.#graph.add(account);
    return account;
  }

  #openBefore(role: Role, stage: string, on: RoutePlace, follower: Account | undefined): Account {
    const { account, isNew } = this.#accountOf(role, stage, on, []);
    if (isNew) this.#graph.add(account, follower);
    return account;
  }

  /** A new account, or, where there are too many, the newest of that name on the route. */
  #accountOf(role: Role, stage: string, on: RoutePlace, follows: readonly Account[]) {
    const { stages } = this.#graph;
    const alike = stages.filter((account) => account.role === role && isNamed(account, stage));
    const shared = alike.findLast((account) => account.place.route === on.route);
    if (shared !== undefined && stages.length >= MAX_STAGES) return { account: shared, isNew: false };
    const key = alike.length === 0 ? stage : `${stage}#${alike.length + 1}`;
    return { account: new Account(role, key, { ...on, follows }, this), isNew: true };
  }

  #stats(): Stats {
    const accounts = this.#graph.stages;
    const stages: Record<string, Stats['stages'][string]> = {};
    const books = new Map<Account, StageStats>();
    const gauges: GaugeSums[] = [];
    for (const account of accounts) {
      const stats = account.stats();
      const sums = account.gauges();
      const { running, waiting, limit } = sums;
      books.set(account, stats);
      gauges.push(sums);
      const { exports, health, figures } = account;
      const ofSink = { ...(exports && { exports: exports.stats() }), ...(health && { health }) };
      stages[account.stage] = { ...stats, running, waiting, limit, ...ofSink, ...(figures && { figures }) };
    }
    const { whole, routes } = this.#graph.sum(books);
    const counts = countsOf(accounts);
    return {
      ...whole,
      ...sumOfStages(gauges),
      ...counts,
      exports: exportsOf(accounts).stats(),
      callbackErrors: counts.callbackErrors + this.#callbackErrors,
      stages,
      routes,
      places: this.#graph.places,
    };
  }

  get #isFailing(): boolean {
    return this.#graph.stages.some(({ health }) => health?.isFailing === true);
  }

  #callbackFailed(): void {
    this.#callbackErrors += 1;
    this.touch();
  }

  #follow(subscriber: Subscriber<Stats>): void {
    const follower = new Follower(subscriber, () => this.#stats(), this.#intervalMillis, this.#scheduler);
    if (!this.#closed) this.#followers.add(follower);
    this.isFollowed = this.#followers.size > 0;
    subscriber.add(() => {
      this.#followers.delete(follower);
      this.isFollowed = this.#followers.size > 0;
    });
    subscriber.next(this.#stats());
    if (this.#closed) follower.close();
  }

  touch(): void {
    for (const follower of this.#followers) follower.changed();
  }

  moved(): void {
    this.#graph.changed();
  }

  lost(loss: Loss): void {
    for (const watcher of this.#watchers) watcher.lost?.(loss);
  }

  healthChanged(): void {
    for (const watcher of this.#watchers) watcher.healthChanged?.();
    this.touch();
  }

  callbackThrew(thrown: unknown): void {
    for (const watcher of this.#watchers) watcher.callbackFailed?.(thrown);
  }

  exported(by: Account, tally: Tally, operation: ExportOperation): void {
    for (const watcher of this.#watchers) watcher.exported?.(by, tally, operation);
  }

  has(account: Account): boolean {
    return this.#graph.stages.includes(account);
  }

  #close(): void {
    this.#closed = true;
    for (const follower of [...this.#followers]) follower.close();
    for (const watcher of [...this.#watchers]) watcher.closed?.();
  }
}

/** The second `exportTo` of a pipeline is `exportTo#2`. */
function isNamed(account: Account, stage: string): boolean {
  return account.stage === stage || account.stage.startsWith(`${stage}#`);
}
