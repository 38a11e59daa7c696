// What the programs have in common that are run once, for one result.

import { answer, inputOf } from '../../scenarios/child.ts';

interface Surroundings {
  /** Where `SPANFLOW_DATA` points, if it does. */
  readonly data?: string;
}

/** What the program is to do. */
export function given<Input>(): Input {
  const input = inputOf<Input & Surroundings>();
  if (input.data !== undefined) process.env.SPANFLOW_DATA = input.data;
  return input;
}

/** Does it, when it is asked to. */
export function program<Result>(run: () => Promise<Result>): void {
  answer({ run });
}

export function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** The value below which this part of them lies. */
export function percentile(values: Float64Array | readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** How much a tick that comes late makes up for at once: a service that stood still does not end all its spans in one moment. */
const MAX_CATCH_UP_MILLIS = 10;

/** Does something so many times a second for so long, by the clock. Resolves with how often. */
export function paced(perSecond: number, millis: number, act: (index: number) => void): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const startedMillis = performance.now();
  const last = Math.round((perSecond * millis) / 1_000);
  const mostAtOnce = Math.ceil((perSecond * MAX_CATCH_UP_MILLIS) / 1_000);
  let done = 0;
  const tick = (): void => {
    const due = Math.min(last, Math.floor(((performance.now() - startedMillis) * perSecond) / 1_000));
    const until = Math.min(due, done + mostAtOnce);
    while (done < until) act(done++);
    if (done < due) setImmediate(tick);
    else if (done < last) setTimeout(tick, 1);
    else resolve(done);
  };
  tick();
  return promise;
}
