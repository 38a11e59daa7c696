import type { Account, StageStats } from './account.ts';
import { type Flow, type FlowStats, sumFlow } from './stats.ts';

/** The flows through a graph of stages. */
interface Plan {
  readonly whole: Flow;
  readonly routes: ReadonlyMap<string, Flow>;
  /** Whether the routes part before any batcher: then no batcher knows how its items ended on all of them. */
  readonly isEachRouteWhole: boolean;
  /** Fan-outs of which it is not known yet whether they copy. */
  readonly undecided: readonly FanOut[];
}

interface FanOut {
  readonly follows: readonly Account[];
  readonly followers: readonly Account[];
}

/** The stages of a ledger, and which follows which. */
export class Graph {
  readonly stages: Account[] = [];
  readonly #copying = new Set<readonly Account[]>(); // stages behind which every follower gets every item
  #plan: Plan | undefined; // until a stage or a copying fan-out is added

  add(account: Account): void {
    this.stages.push(account);
    this.#plan = undefined;
  }

  /** The books of each route. Where there are several and no batcher in front of them, the whole is the one that has delivered least. */
  sum(books: ReadonlyMap<Account, StageStats>): {
    readonly whole: FlowStats;
    readonly routes: Record<string, FlowStats>;
  } {
    const { whole, routes, isEachRouteWhole } = this.#currentPlan();
    const byRoute: Record<string, FlowStats> = {};
    let least: FlowStats | undefined;
    for (const [name, flow] of routes) {
      const sums = sumFlow(flow, books);
      byRoute[name] = sums;
      if (least === undefined || sums.delivered < least.delivered) least = sums;
    }
    return { whole: isEachRouteWhole && least !== undefined ? least : sumFlow(whole, books), routes: byRoute };
  }

  #currentPlan(): Plan {
    this.#plan ??= planOf(this.stages, this.#copying);
    const copying = this.#plan.undecided.filter(isCopying);
    if (copying.length === 0) return this.#plan;
    for (const { follows } of copying) this.#copying.add(follows);
    this.#plan = planOf(this.stages, this.#copying);
    return this.#plan;
  }
}

/**
 * Followers that were not declared to be routes may share items out (`groupBy`, `partition`) or get each of them (`share`). What they were offered
 * in all tells: more than was passed on means that they get copies.
 */
function isCopying({ follows, followers }: FanOut): boolean {
  const isDeclared = followers.some(({ place }) => place.route !== undefined);
  return isDeclared || sum(followers, 'offered') > sum(follows, 'passedOn');
}

function fanOutsIn(stages: readonly Account[]): FanOut[] {
  const followers = new Map<readonly Account[], Account[]>();
  for (const stage of stages) {
    const { follows } = stage.place;
    followers.set(follows, [...(followers.get(follows) ?? []), stage]);
  }
  const all = [...followers].map(([follows, those]) => ({ follows, followers: those }));
  return all.filter((fanOut) => fanOut.follows.length > 0 && fanOut.followers.length > 1);
}

function sum(accounts: readonly Account[], count: 'offered' | 'passedOn'): number {
  return accounts.reduce((whole, account) => whole + account[count], 0);
}

function planOf(stages: readonly Account[], copying: ReadonlySet<readonly Account[]>): Plan {
  const followed = new Set(stages.flatMap(({ place }) => place.follows));
  const byRoute = new Map<string, Account[]>(); // the ends of each route
  for (const end of stages.filter((stage) => !followed.has(stage))) {
    const route = end.place.route ?? (upstreamOf(end).some(({ place }) => copying.has(place.follows)) ? end.stage : '');
    byRoute.set(route, [...(byRoute.get(route) ?? []), end]);
  }
  const whole = flowOf(stages, new Set());
  const undecided = fanOutsIn(stages).filter(({ follows }) => !copying.has(follows));
  if (byRoute.size < 2) return { whole, routes: new Map(), isEachRouteWhole: false, undecided };
  const routes = new Map<string, Flow>();
  const shared = sharedBatchers([...byRoute.values()]);
  for (const [route, ends] of byRoute) {
    const those = new Set(ends.flatMap(upstreamOf));
    routes.set(
      route === '' ? (ends[0] as Account).stage : route,
      flowOf(
        stages.filter((stage) => those.has(stage)),
        shared,
      ),
    );
  }
  return { whole, routes, isEachRouteWhole: shared.size === 0, undecided };
}

/** A stage, and everything in front of it. */
function upstreamOf(stage: Account): Account[] {
  return [...new Set([stage, ...stage.place.follows.flatMap(upstreamOf)])];
}

/** Batchers that lie in front of several routes. */
function sharedBatchers(routes: readonly (readonly Account[])[]): ReadonlySet<Account> {
  const seen = new Set<Account>();
  const shared = new Set<Account>();
  for (const ends of routes) {
    for (const stage of new Set(ends.flatMap(upstreamOf))) {
      if (stage.role !== 'batch') continue;
      if (seen.has(stage)) shared.add(stage);
      seen.add(stage);
    }
  }
  return shared;
}

/** Batchers know the outcome of their items from the holders, so a sink behind them is the same items once more, unless it is one of several routes. */
function flowOf(stages: readonly Account[], untilEmitted: ReadonlySet<Account>): Flow {
  const isBehind = (stage: Account) =>
    upstreamOf(stage).some((other) => other !== stage && other.role === 'batch' && !untilEmitted.has(other));
  const counted = stages.filter((stage) => !isBehind(stage));
  const followed = new Set(counted.flatMap(({ place }) => place.follows));
  const isFirst = ({ place }: Account) => !place.follows.some((stage) => counted.includes(stage));
  return {
    first: counted.filter(isFirst),
    later: counted.filter((stage) => !isFirst(stage)),
    last: new Set(counted.filter((stage) => !followed.has(stage))),
    behindBatches: stages.filter((stage) => isBehind(stage) && stage.role === 'operator'),
    untilEmitted,
  };
}
