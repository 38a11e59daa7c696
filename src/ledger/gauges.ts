import type { BreakerState } from '../strategies/breaker.ts';

/** How the destination of a stage that exports is. */
export interface StageHealth {
  /** Whether it is failing at present: its breaker is not closed, it has asked to be left alone (`Retry-After`), or five attempts in a row have failed; until one that began later is accepted. */
  readonly isFailing: boolean;
  /** The state of its breaker, if it has one: `closed`: attempts pass · `open`: none does · `halfOpen`: a few probes find out whether the backend is back. */
  readonly breaker?: BreakerState;
}

/** What a stage can be asked for at any time. */
export interface Gauges extends NumberGauges {
  health?: () => StageHealth;
}

interface NumberGauges {
  queueSize?: () => number;
  queueCapacity?: () => number;
  queueBytes?: () => number;
  memoryBytes?: () => number;
  batchSize?: () => number;
  inFlight?: () => number;
  running?: () => number;
  waiting?: () => number;
  limit?: () => number;
}

/** The present values of gauges. */
export type GaugeSums = Record<keyof NumberGauges, number>;

/** What is under way at a stage: attempts of `exportTo`, inner Observables of `boundedMergeMap`. Elsewhere 0. */
export interface StageGauges {
  /** Those that have begun and not ended. */
  readonly running: number;
  /** Those that wait to begin: for a slot, or for another layer of the destination. */
  readonly waiting: number;
  /** How many of them may run at a time, at present. 0 pauses. A limiter that is shared shows its limit at each stage. */
  readonly limit: number;
}

/** The gauges of the subscriptions of one stage. */
export function sumOfGauges(subscriptions: Iterable<Gauges>): GaugeSums {
  const sums = noGauges();
  for (const gauges of subscriptions) {
    sums.queueSize += gauges.queueSize?.() ?? 0;
    sums.queueCapacity += gauges.queueCapacity?.() ?? 0;
    sums.queueBytes += gauges.queueBytes?.() ?? 0;
    sums.memoryBytes += gauges.memoryBytes?.() ?? 0;
    sums.inFlight += gauges.inFlight?.() ?? 0;
    sums.running += gauges.running?.() ?? 0;
    sums.waiting += gauges.waiting?.() ?? 0;
    sums.limit += gauges.limit?.() ?? 0;
    sums.batchSize += gauges.batchSize?.() ?? 0;
  }
  return sums;
}

/** That of the subscriptions of one stage: it is failing if it is for one of them. `undefined` of a stage that does not export. */
export function healthIn(subscriptions: Iterable<Gauges>): StageHealth | undefined {
  let found: StageHealth | undefined;
  for (const { health } of subscriptions) {
    const one = health?.();
    if (found === undefined || one?.isFailing) found = one ?? found;
  }
  return found;
}

/** The gauges of all stages. The batch size is that of the stage with the largest: a sum of sizes would be none. */
export function sumOfStages(stages: Iterable<GaugeSums>): GaugeSums {
  const sums = noGauges();
  for (const gauges of stages) {
    const batchSize = Math.max(sums.batchSize, gauges.batchSize);
    for (const name in sums) sums[name as keyof NumberGauges] += gauges[name as keyof NumberGauges];
    sums.batchSize = batchSize;
  }
  return sums;
}

function noGauges(): GaugeSums {
  return {
    ...{ queueSize: 0, queueCapacity: 0, queueBytes: 0, memoryBytes: 0, batchSize: 0 },
    ...{ inFlight: 0, running: 0, waiting: 0, limit: 0 },
  };
}
