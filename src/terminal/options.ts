import type { Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { anObject, aScheduler, millis, must, optional, type Rule, type Rules, shape } from '../internal/validation.ts';
import type { Stats } from '../ledger/stats.ts';

/** What is shown of the statistics. */
export type ShownStats = Pick<Stats, 'offered' | 'refused' | 'delivered' | 'lost' | 'pending'> &
  Partial<Pick<Stats, 'batchSize' | 'inFlight' | 'retries' | 'rejected' | 'routes'>>;

/** Whose statistics are shown: a pipeline, a ledger, or anything that counts alike. */
export interface StatsSource {
  /** The present statistics. Called for each sample. */
  stats(): ShownStats;
  /** When it has completed, the source has ended. Its values are not used. */
  readonly stats$?: Observable<unknown>;
  /** The state of a pipeline, shown beside its name: `running`, `degraded`, …. Left out: none is shown. */
  readonly state$?: Observable<string>;
}

/** A number, or a number with the words that are shown in its place. */
export type Gauge =
  | number
  | {
      /** The height of the column. */
      readonly value: number;
      /** What is shown for it, in a few characters: `closed`. */
      readonly text: string;
    };

/** The options of {@link statsToConsole}. */
export interface StatsToConsoleOptions {
  /** Lines of your own, above the others: each function is called for each sample. Default: none. */
  gauges?: Readonly<Record<string, () => Gauge>>;
  /**
   * Where it is written. Default `process.stderr`: the standard output of a program may be its data (`program | jq`), and a display is not.
   */
  stream?: NodeJS.WritableStream & {
    /** Whether it is a terminal. Default: it is none, and gets lines of a log. */
    readonly isTTY?: boolean;
    /** The width of a terminal, in characters. Default 80. */
    readonly columns?: number | undefined;
    /** The height of a terminal, in lines. Default 24. */
    readonly rows?: number | undefined;
  };
  /** Between two samples, in milliseconds: 50 or more. Default 250 on a terminal, where each makes a column, and 10,000 elsewhere, where each makes a line of a log. */
  intervalMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** A display that is shown. */
export interface StatsDisplay {
  /** Shows the last state, and ends. Idempotent. */
  close(): void;
  /** `using`: calls `close` at the end of the block. */
  [Symbol.dispose](): void;
}

export const TERMINAL_INTERVAL_MILLIS = 250;
export const LOG_INTERVAL_MILLIS = 10_000;

/** Every option with its value. */
export type StatsToConsoleSettings = Required<Omit<StatsToConsoleOptions, 'intervalMillis'>> &
  Pick<StatsToConsoleOptions, 'intervalMillis'>;

/** A function, because a test or a debugger may replace `process.stderr`. */
export function statsToConsoleDefaults(): StatsToConsoleSettings {
  return { gauges: {}, stream: process.stderr, scheduler: monotonicScheduler };
}

const functions = must('an object of functions', (value) =>
  Object.values((value ?? {}) as object).every((gauge) => typeof gauge === 'function'),
);

const someFunctions: Rule = (value, option, call) => {
  anObject(value, option, call);
  functions(value, option, call);
};

export const STATS_TO_CONSOLE_RULES: Rules<StatsToConsoleSettings> = {
  gauges: someFunctions,
  stream: shape('a writable stream', 'write', 'on', 'removeListener'),
  intervalMillis: optional(millis(50)),
  scheduler: aScheduler,
};

const hasStats = shape('a pipeline, or another object with stats(); or an object of them, by name', 'stats');

/** One source, or several by name. */
export const someSources: Rule = (value, option, call) => {
  const sources = isOneSource(value) || typeof value !== 'object' ? [value] : Object.values(value ?? {});
  if (sources.length === 0) hasStats(undefined, option, call);
  for (const source of sources) hasStats(source, option, call);
};

export function isOneSource(given: unknown): given is StatsSource {
  return typeof (given as Partial<StatsSource> | null | undefined)?.stats === 'function';
}
