import type { Account } from './account.ts';
import type { StageStats } from './stageStats.ts';
import { type Flow, type FlowStats, type StagePlace, sumFlow } from './stats.ts';

/** The flows through a graph of stages. */
interface Plan {
  readonly whole: Flow;
  readonly routes: ReadonlyMap<string, Flow>;
  /** Whether the routes part before any batcher: then no batcher knows how its items ended on all of them. */
  readonly isEachRouteWhole: boolean;
  /** Fan-outs of which it is not known yet whether they copy. */
  readonly undecided: readonly FanOut[];
}

function placeOf({ stage, role, place }: Account): StagePlace {
  const follows = place.follows.map((account) => account.stage);
  return Object.freeze({ stage, role, follows, ...(place.route !== undefined && { route: place.route }) });
}

interface FanOut {
  readonly follows: readonly Account[];
  readonly followers: readonly Account[];
}

/** The stages of a ledger, and which follows which. */
export class Graph {
  readonly stages: Account[] = [];
  readonly #copying = new Set<readonly Account[]>(); // stages behind which every follower gets every item
  #plan: Plan | undefined; // until a stage is added or has another place, or a fan-out copies
  #places: readonly StagePlace[] | undefined; // until a stage is added or has another place

  /** @param before the stage that it stands in front of, if that is known */
  add(account: Account, before?: Account): void {
    const index = before === undefined ? -1 : this.stages.indexOf(before);
    this.stages.splice(index < 0 ? this.stages.length : index, 0, account);
    this.changed();
  }

  /** A stage has another place. */
  changed(): void {
    this.#plan = undefined;
    this.#places = undefined;
  }

  /** Which stage follows which, in the order in which they were opened. The same array until that changes. */
  get places(): readonly StagePlace[] {
    this.#places ??= Object.freeze(this.stages.map(placeOf));
    return this.#places;
  }

  /** The books of each route. Where there are several and no batcher in front of them, the whole is the required one that has delivered least. */
  sum(books: ReadonlyMap<Account, StageStats>): {
    readonly whole: FlowStats;
    readonly routes: Record<string, FlowStats>;
  } {
    const { whole, routes, isEachRouteWhole } = this.#currentPlan();
    const byRoute = new Map<string, FlowStats>();
    let least: FlowStats | undefined;
    for (const [name, flow] of routes) {
      const sums = sumFlow(flow, books);
      byRoute.set(name, sums);
      if (![...flow.last].every(({ place }) => place.isRequired)) continue;
      if (least === undefined || sums.delivered < least.delivered) least = sums;
    }
    return {
      whole: isEachRouteWhole && least !== undefined ? least : sumFlow(whole, books),
      routes: Object.fromEntries(byRoute),
    };
  }

  #currentPlan(): Plan {
    this.#plan ??= planOf(new Wiring(this.stages), this.#copying);
    const copying = this.#plan.undecided.filter(isCopying);
    if (copying.length === 0) return this.#plan;
    for (const { follows } of copying) this.#copying.add(follows);
    this.#plan = planOf(new Wiring(this.stages), this.#copying);
    return this.#plan;
  }
}

/**
 * Followers that were not declared to be routes may share items out (`groupBy`, `partition`) or get each of them (`share`). If together they were
 * offered more than was passed on, they get copies.
 */
function isCopying({ follows, followers }: FanOut): boolean {
  const isDeclared = followers.some(({ place }) => place.route !== undefined);
  return isDeclared || sum(followers, 'offered') > sum(follows, 'passedOn');
}

function sum(accounts: readonly Account[], count: 'offered' | 'passedOn'): number {
  return accounts.reduce((whole, account) => whole + account[count], 0);
}

/** What each stage follows. */
class Wiring {
  readonly stages: readonly Account[];
  readonly #follows: ReadonlyMap<Account, readonly Account[]>;
  readonly #upstream = new Map<Account, readonly Account[]>(); // of the stages that were asked for

  constructor(stages: readonly Account[]) {
    const followed = new Set(stages.flatMap(({ place }) => place.follows));
    // A chain whose input was opened after its other stages follows it all the same.
    const looseInputs = stages.filter((stage) => stage.role === 'input' && !followed.has(stage));
    const followsOf = ({ role, place: { follows } }: Account) =>
      role === 'input' || follows.length > 0 ? follows : looseInputs;
    this.stages = stages;
    this.#follows = new Map(stages.map((stage) => [stage, followsOf(stage)]));
  }

  follows(stage: Account): readonly Account[] {
    return this.#follows.get(stage) ?? [];
  }

  /** A stage, and everything in front of it. */
  upstreamOf(stage: Account): readonly Account[] {
    let upstream = this.#upstream.get(stage);
    if (upstream === undefined) {
      upstream = [...new Set([stage, ...this.follows(stage).flatMap((other) => this.upstreamOf(other))])];
      this.#upstream.set(stage, upstream);
    }
    return upstream;
  }

  /** Those of the stages that none of them follows. */
  endsOf(stages: readonly Account[]): Account[] {
    const followed = new Set(stages.flatMap((stage) => this.follows(stage)));
    return stages.filter((stage) => !followed.has(stage));
  }

  fanOuts(): FanOut[] {
    const followers = new Map<readonly Account[], Account[]>();
    for (const stage of this.stages) {
      const follows = this.follows(stage);
      followers.set(follows, [...(followers.get(follows) ?? []), stage]);
    }
    const all = [...followers].map(([follows, those]) => ({ follows, followers: those }));
    return all.filter((fanOut) => fanOut.follows.length > 0 && fanOut.followers.length > 1);
  }
}

function planOf(wiring: Wiring, copying: ReadonlySet<readonly Account[]>): Plan {
  const { stages } = wiring;
  const endsByRoute = new Map<string, Account[]>();
  for (const end of wiring.endsOf(stages)) {
    const isCopy = wiring.upstreamOf(end).some((stage) => copying.has(wiring.follows(stage)));
    const route = end.place.route ?? (isCopy ? end.stage : '');
    endsByRoute.set(route, [...(endsByRoute.get(route) ?? []), end]);
  }
  const whole = flowOf(wiring, stages, new Set());
  const undecided = wiring.fanOuts().filter(({ follows }) => !copying.has(follows));
  const [[only] = []] = endsByRoute.values();
  const isOneRoute = endsByRoute.size === 1 && only?.place.route !== undefined;
  if (endsByRoute.size < 2 && !isOneRoute) return { whole, routes: new Map(), isEachRouteWhole: false, undecided };
  const upstreams = [...endsByRoute.values()].map((ends) => new Set(ends.flatMap((end) => wiring.upstreamOf(end))));
  const shared = isOneRoute ? batchersInFrontOf(only, upstreams[0]) : sharedBatchers(upstreams);
  const routes = new Map<string, Flow>();
  for (const [index, [route, ends]] of [...endsByRoute].entries()) {
    const those = stages.filter((stage) => upstreams[index]?.has(stage));
    routes.set(route === '' ? (ends[0] as Account).stage : route, flowOf(wiring, those, shared));
  }
  return { whole, routes, isEachRouteWhole: shared.size === 0, undecided };
}

/** Batchers that lie in front of the only route. */
function batchersInFrontOf({ place }: Account, upstream: ReadonlySet<Account> = new Set()): ReadonlySet<Account> {
  return new Set([...upstream].filter((stage) => stage.role === 'batch' && stage.place.route !== place.route));
}

/** Batchers that lie in front of several routes. */
function sharedBatchers(upstreams: readonly ReadonlySet<Account>[]): ReadonlySet<Account> {
  const batchers = upstreams.flatMap((stages) => [...stages].filter(({ role }) => role === 'batch'));
  return new Set(batchers.filter((stage, index) => batchers.indexOf(stage) !== index));
}

/**
 * A batcher books how its items ended, since their holders tell it. To count the sink behind it as well would count them twice, unless it is one of several routes.
 */
function flowOf(wiring: Wiring, stages: readonly Account[], untilEmitted: ReadonlySet<Account>): Flow {
  const isBehind = (stage: Account) =>
    wiring.upstreamOf(stage).some((other) => other !== stage && other.role === 'batch' && !untilEmitted.has(other));
  const counted = stages.filter((stage) => !isBehind(stage));
  const isFirst = (stage: Account) => !wiring.follows(stage).some((other) => counted.includes(other));
  return {
    first: counted.filter(isFirst),
    later: counted.filter((stage) => !isFirst(stage)),
    last: new Set(wiring.endsOf(counted)),
    behindBatches: stages.filter((stage) => isBehind(stage) && stage.role === 'operator'),
    untilEmitted,
  };
}
