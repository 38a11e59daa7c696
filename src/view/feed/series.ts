import { lossesOnAnyRoute } from '../../ledger/losses.ts';
import { total } from '../../ledger/stageStats.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { Point, Quantiles } from '../shared/messages.ts';

/** Five minutes of samples while a page is open, ten minutes of `stats$` while none is. */
export const MAX_POINTS = 600;
const MIN_GAP_MILLIS = 400;
/** How often `stats$` emits while something changes. */
const STEP_MILLIS = 1_000;

export function pointOf(at: number, stats: Stats, roundTrips: Quantiles | null): Point {
  return {
    ...{ at, offered: stats.offered, delivered: stats.delivered, lost: total(lossesOnAnyRoute(stats)) },
    ...{ retries: stats.retries, queue: stats.queueSize, inFlight: stats.inFlight, batchSize: stats.batchSize },
    ...{ p50: roundTrips?.p50 ?? null, p99: roundTrips?.p99 ?? null },
  };
}

/** The last minutes of a pipeline, bounded: points that come too fast replace each other. */
export class Series {
  readonly #points: Point[] = [];

  get points(): readonly Point[] {
    return this.#points;
  }

  add(point: Point): void {
    this.#makeRoom(point.at);
    this.#points.push(point);
    if (this.#points.length > MAX_POINTS) this.#points.splice(0, this.#points.length - MAX_POINTS);
  }

  #makeRoom(now: number): void {
    const before = this.#points.at(-2);
    const last = this.#points.at(-1);
    if (last === undefined) return;
    if (now - last.at > 2 * STEP_MILLIS) this.#fillUp(last, now);
    else if (before !== undefined && last.at - before.at < MIN_GAP_MILLIS) this.#points.pop();
  }

  /** After a silence: `stats$` is silent while nothing changes, so the last books held until its last step. */
  #fillUp(last: Point, now: number): void {
    this.#points.push({ ...last, at: now - STEP_MILLIS });
  }
}
