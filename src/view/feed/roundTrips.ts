import type { Quantiles } from '../shared/messages.ts';
import { quantilesOf } from '../shared/quantiles.ts';

const WINDOW_MILLIS = 10_000;
const MAX_ROUND_TRIPS = 1_024;

/** The round trips of the last ten seconds, the newest 1,024 of them. */
export class RoundTrips {
  readonly #times: { readonly at: number; readonly millis: number }[] = []; // oldest first

  add(at: number, millis: number): void {
    this.#times.push({ at, millis });
    if (this.#times.length >= 2 * MAX_ROUND_TRIPS) this.#times.splice(0, this.#times.length - MAX_ROUND_TRIPS);
  }

  quantiles(now: number): Quantiles | null {
    const recent = this.#times.slice(-MAX_ROUND_TRIPS).filter(({ at }) => now - at <= WINDOW_MILLIS);
    return quantilesOf(recent.map(({ millis }) => millis));
  }
}
