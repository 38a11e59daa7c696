import type { SimulatedBackend } from './backends.ts';
import type { Gauge } from './gauge.ts';

/** What is measured in a run. Counts and times are those of attempts; times are in milliseconds. */
export interface Figures {
  /** Requests that succeeded. */
  readonly perSecond: number;
  readonly attemptsPerRequest: number;
  /** The share of the attempts that came to nothing: refused, never answered, or answered too late. */
  readonly wastedRatio: number;
  readonly refusedPerSecond: number;
  /** In the backend. */
  readonly servingMax: number;
  readonly servingMean: number;
  readonly servingMode: number;
  /** Requests that the backend had served within a second. */
  readonly rateMax: number;
  readonly rateMean: number;
  /** At the client. */
  readonly inFlightMax: number;
  readonly inFlightMean: number;
  readonly inFlightMode: number;
  readonly limitMin: number;
  readonly limitMax: number;
  readonly limitMean: number;
  readonly limitMode: number;
  readonly roundTripMin: number;
  readonly roundTripMax: number;
  readonly roundTripMean: number;
  /** The share of the time in which the limit, and the size of the batches that were sent, were within 25 % of their medians. */
  readonly limitSteadyRatio: number;
  readonly batchSteadyRatio: number;
  /** Items that were lost on the way. */
  readonly lostItems: number;
}

interface Observed {
  readonly backend: SimulatedBackend;
  readonly limit: Gauge;
  readonly seconds: number;
  readonly lostItems: number;
}

export function figuresOf({ backend, limit, seconds, lostItems }: Observed): Figures {
  const { abandoned, inFlight, rate, refused, roundTrips, serving, succeeded } = backend;
  const wasted = refused + abandoned;
  return {
    perSecond: succeeded / seconds,
    attemptsPerRequest: (succeeded + wasted) / succeeded,
    wastedRatio: wasted / (succeeded + wasted),
    refusedPerSecond: refused / seconds,
    servingMax: serving.max,
    servingMean: serving.mean,
    servingMode: serving.mode,
    rateMax: rate.max,
    rateMean: rate.mean,
    inFlightMax: inFlight.max,
    inFlightMean: inFlight.mean,
    inFlightMode: inFlight.mode,
    limitMin: limit.min,
    limitMax: limit.max,
    limitMean: limit.mean,
    limitMode: limit.mode,
    roundTripMin: Math.min(...roundTrips),
    roundTripMax: Math.max(...roundTrips),
    roundTripMean: roundTrips.reduce((sum, millis) => sum + millis, 0) / roundTrips.length,
    limitSteadyRatio: limit.shareWithin(0.25),
    batchSteadyRatio: backend.batchSize.shareWithin(0.25),
    lostItems,
  };
}

/** The median of each figure over several runs: of an even number, the lower one of the two in the middle. */
export function mediansOf(runs: readonly Figures[]): Figures {
  const [first] = runs;
  if (first === undefined) throw new RangeError('there is no median of no runs');
  const names = Object.keys(first) as (keyof Figures)[];
  const medians = names.map((name) => [name, medianOf(runs.map((run) => run[name]))]);
  return Object.fromEntries(medians) as Figures;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}
