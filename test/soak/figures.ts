// What a run comes to, in numbers.

import type { Phase, Sample, Slice } from './measure.ts';
import type { Outage } from './soak.ts';

/** The second and the last third of a phase: by the first one a queue may still have been filling. */
export interface Thirds {
  readonly middle: number;
  readonly last: number;
}

/** Means of what each slice of a phase shows. */
export function thirdsOf({ slices }: Phase, figureOf: (slice: Slice) => number): Thirds {
  const third = Math.floor(slices.length / 3);
  const end = slices.length;
  return {
    middle: mean(slices.slice(end - 2 * third, end - third).map(figureOf)),
    last: mean(slices.slice(end - third).map(figureOf)),
  };
}

export const cpuMicrosOf = ({ cpuMicros, spans }: Slice): number => cpuMicros / spans;
export const heapBytesOf = ({ heapBytes }: Slice): number => heapBytes;

export function cpuMicrosPerSpan({ slices }: Phase): number {
  return sum(slices, 'cpuMicros') / sum(slices, 'spans');
}

export function spansPerSecond({ slices }: Phase): number {
  return sum(slices, 'spans') / (sum(slices, 'millis') / 1_000);
}

/** What a count has grown by in a phase. */
export function grownBy(phase: Phase, countOf: (sample: Sample) => number): number {
  return countOf(lastOf(phase)) - countOf(firstOf(phase));
}

/** How many attempts the sender may have had in flight in the moment in which the backend came back. */
export function couldBeInFlight({ dead }: Outage): number {
  const { limit, inFlight } = lastOf(dead.phase);
  return Math.max(limit, inFlight);
}

/** From the return to the first sight of no more pending than a healthy pipeline has. */
export function drainedAfterMillis({ back }: Outage, healthy: Phase): number | undefined {
  return back.phase.samples.find(({ pending }) => pending <= healthy.most.pending)?.atMillis;
}

export function secondsOf({ samples }: Phase): number {
  return (samples.at(-1)?.atMillis ?? 0) / 1_000;
}

function firstOf({ samples }: Phase): Sample {
  return samples[0] as Sample;
}

function lastOf({ samples }: Phase): Sample {
  return samples.at(-1) as Sample;
}

function sum(slices: readonly Slice[], name: 'cpuMicros' | 'spans' | 'millis'): number {
  return slices.reduce((whole, slice) => whole + slice[name], 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((whole, value) => whole + value, 0) / values.length;
}
