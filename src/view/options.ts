import { isIP } from 'node:net';
import type { Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import {
  aScheduler,
  aString,
  oneOf,
  type Rules,
  requireRule,
  settingsOf,
  shape,
  whole,
} from '../internal/validation.ts';
import type { Stats } from '../ledger/stats.ts';
import { InvalidOptionError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { PipelineState } from '../pipelines/lifeCycle/options.ts';

/** What the view reads of an outcome. */
export type WatchedOutcome = Pick<Outcome<unknown>, 'batch' | 'attempts' | 'attemptMillis' | 'delivered' | 'lost'>;

/** What can be watched: a pipeline, or `{ stats: ledger.stats, stats$: ledger.stats$, outcomes$ }` of a composition of your own. */
export interface Watchable {
  /** The present statistics. Called twice a second while a page is open. */
  stats(): Stats;
  /** The statistics whenever they have changed. Subscribed to as long as the view is open. */
  readonly stats$: Observable<Stats>;
  /** The state, as {@link SpanPipeline} has it. Subscribed to as long as the view is open. Left out: the page shows none. */
  readonly state$?: Observable<PipelineState>;
  /** Subscribed to while a page is open, and again for the next page. It has to be hot: share the outcomes of your own composition (`share()`), or each page starts it once more. */
  readonly outcomes$: Observable<WatchedOutcome>;
}

/** Options of {@link liveView}. */
export interface LiveViewOptions {
  /** The port to listen on: 0 to 65535. Default 0: any free one, and `url` tells which. A port of your own can be bookmarked. */
  port?: number;
  /** The address or the name to listen on. Default `127.0.0.1`. One that is not loopback needs `reach: 'network'`. */
  host?: string;
  /**
   * Who can open the page: `loopback` (the default): programs on this machine · `network`: also other machines, as far as `host` lets them. The page asks for no password, and shows names and attributes of spans; it is
   * for a network in which everybody may see them. The safer way to a remote machine is a tunnel: `ssh -L 4321:127.0.0.1:4321 host`.
   */
  reach?: 'loopback' | 'network';
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export type LiveViewSettings = Readonly<Required<LiveViewOptions>>;

export const LIVE_VIEW_DEFAULTS: LiveViewSettings = Object.freeze({
  port: 0,
  host: '127.0.0.1',
  reach: 'loopback',
  scheduler: monotonicScheduler,
});

const OWNER = 'liveView';

const LIVE_VIEW_RULES: Rules<LiveViewOptions> = {
  port: whole(0, 65_535),
  host: aString,
  reach: oneOf('loopback', 'network'),
  scheduler: aScheduler,
};

const aWatchable = shape('a pipeline: an object with stats(), stats$ and outcomes$', 'stats');
const anObservableOfIt = shape('an Observable', 'subscribe');

export function liveViewSettings(options: LiveViewOptions): LiveViewSettings {
  const settings = settingsOf<LiveViewSettings>(OWNER, LIVE_VIEW_DEFAULTS, LIVE_VIEW_RULES, options);
  if (settings.reach === 'network' || isLoopback(settings.host)) return settings;
  const rule = "127.0.0.1, ::1 or localhost, unless reach is 'network', which shows the page to other machines";
  throw new InvalidOptionError(`${OWNER}.host`, rule, settings.host);
}

/** Whether only this machine can reach an address, or a name that stands for one. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Each pipeline by its name: the record that was given, or one pipeline alone. */
export function namedPipelines(given: Watchable | Readonly<Record<string, Watchable>>): [string, Watchable][] {
  if (typeof given !== 'object' || given === null) requireRule(`${OWNER}.pipelines`, given, aWatchable);
  const named = isWatchable(given) ? [['pipeline', given] as [string, Watchable]] : Object.entries(given);
  if (named.length === 0) throw new InvalidOptionError(`${OWNER}.pipelines`, 'at least one pipeline', given);
  for (const [name, pipeline] of named) {
    requireRule(`${OWNER}.pipelines.${name}`, pipeline, aWatchable);
    requireRule(`${OWNER}.pipelines.${name}.stats$`, pipeline.stats$, anObservableOfIt);
    if (pipeline.state$ !== undefined)
      requireRule(`${OWNER}.pipelines.${name}.state$`, pipeline.state$, anObservableOfIt);
    requireRule(`${OWNER}.pipelines.${name}.outcomes$`, pipeline.outcomes$, anObservableOfIt);
  }
  return named;
}

function isWatchable(given: object): given is Watchable {
  return typeof (given as Watchable).stats === 'function';
}
