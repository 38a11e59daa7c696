import type { LimitedAttempt } from './concurrency.ts';
import { type RoundTripFloor, sizeClassOf } from './roundTripFloor.ts';

/** Half the limit, but no more than half of this: as many successes as a window has at least. */
const ENOUGH_SUCCESSES = 8;

/** This share of a limit's worth of answers in each round trip shows that the backend still answers what it is given: where it silently drops some, a higher limit delivers nothing more. */
const LEAST_ANSWERED_RATIO = 0.75;

/** For so many round trips a window waits to be full. */
const MAX_TRIPS = 1.5;

/** A bit less than one round trip, because sums of the same durations differ in their last digits. */
const ONE_TRIP = 0.999;

/** As many deviations as weigh half of a new estimate of the noise. */
const NOISE_MEMORY = 20;

/** Fewer deviations than these say little by themselves. */
const FEW_DEVIATIONS = 3;

/** Standard errors within which an estimate may be wrong. */
const DOUBT_ERRORS = 1.2;

/** What a window has shown. */
export interface Load {
  /** How many of our attempts wait in the backend, on average: `inFlight × (1 - floor ÷ round trip)`. */
  readonly queued: number;
  /** `queued` may be wrong by this much, because round trips vary by chance. */
  readonly doubt: number;
  /** Attempts in flight, on average. */
  readonly inFlight: number;
  /** Whether as many attempts were in flight as may be, and were answered. */
  readonly isUsed: boolean;
  readonly meanMillis: number;
  /** How many times the floor the round trips took, on average. */
  readonly stretch: number;
}

interface Sums {
  count: number;
  millis: number;
  squares: number;
}

/** The successes of one round trip or a little more, by the size of what was sent, and how many refusals came with them. */
export class RoundTripWindow {
  readonly #floor: RoundTripFloor;
  readonly #sums = new Map<number, Sums>(); // by class of size
  #noise = 0; // the relative standard deviation of round trips of one size, over many windows
  #openedAtMillis = Number.NEGATIVE_INFINITY;
  #endedAtMillis = 0; // the last success
  #count = 0;
  #refused = 0; // by chance: one for the load ends the window
  #millis = 0; // sum
  #inFlight = 0; // sum
  #mostInFlight = 0;

  constructor(floor: RoundTripFloor) {
    this.#floor = floor;
  }

  /** How much the mean of this many round trips may be off, as a share of it: one standard error. */
  errorOf(count: number): number {
    return this.#noise / Math.sqrt(count);
  }

  open(atMillis: number): void {
    this.#sums.clear();
    this.#openedAtMillis = atMillis;
    this.#count = 0;
    this.#refused = 0;
    this.#millis = 0;
    this.#inFlight = 0;
    this.#mostInFlight = 0;
  }

  add({ startedAtMillis, endedAtMillis, items, inFlight }: LimitedAttempt): void {
    if (endedAtMillis === this.#openedAtMillis) return; // with those that have closed the window before
    // When nothing was in flight for a while, it begins with the first attempt.
    if (this.#count === 0) this.#openedAtMillis = Math.max(this.#openedAtMillis, startedAtMillis);
    const millis = endedAtMillis - startedAtMillis;
    const sizeClass = sizeClassOf(items);
    const { count, millis: sum, squares } = this.#sums.get(sizeClass) ?? { count: 0, millis: 0, squares: 0 };
    this.#sums.set(sizeClass, { count: count + 1, millis: sum + millis, squares: squares + millis * millis });
    this.#endedAtMillis = endedAtMillis;
    this.#count += 1;
    this.#millis += millis;
    this.#inFlight += inFlight;
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlight);
  }

  addRefused(): void {
    this.#refused += 1;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Attempts that have ended in it. */
  get attempts(): number {
    return this.#count + this.#refused;
  }

  /** As many as will have ended in a round trip in which this limit is used: refusals are quicker than successes, and come first. */
  attemptsAt(limit: number): number {
    return Math.max(limit, this.#count) + this.#refused;
  }

  /** Whether it has lasted long enough to tell: a round trip if the limit was used, and else a little longer, because it may still be. */
  isOver(limit: number): boolean {
    if (this.#count < Math.min(limit, ENOUGH_SUCCESSES) / 2) return false;
    return this.#trips >= (this.#isUsed(limit) ? ONE_TRIP : MAX_TRIPS);
  }

  /** Learns from what it has seen, and tells it. */
  close(limit: number): Load {
    const noise = this.#learnNoise();
    let stretch = 0;
    for (const [sizeClass, { count, millis }] of this.#sums) {
      this.#floor.learn(sizeClass, (millis / count) * (1 + noise / Math.sqrt(count)));
      stretch += millis / this.#floor.of(sizeClass) / this.#count;
    }
    const inFlight = this.#inFlight / this.#count;
    return {
      queued: inFlight * (1 - 1 / Math.max(1e-9, stretch)),
      doubt: DOUBT_ERRORS * inFlight * (noise / Math.sqrt(this.#count)),
      inFlight,
      isUsed: this.#isUsed(limit),
      meanMillis: this.#meanMillis,
      stretch,
    };
  }

  get #meanMillis(): number {
    return this.#millis / this.#count;
  }

  get #trips(): number {
    return (this.#endedAtMillis - this.#openedAtMillis) / Math.max(Number.MIN_VALUE, this.#meanMillis);
  }

  #isUsed(limit: number): boolean {
    const trips = Math.max(1, this.#trips - (1 - ONE_TRIP));
    return this.#mostInFlight >= limit && this.attempts >= LEAST_ANSWERED_RATIO * limit * trips;
  }

  /** The noise of this window, or what is known from others where it has too few round trips to tell. */
  #learnNoise(): number {
    let squares = 0;
    let deviations = 0;
    for (const { count, millis, squares: sum } of this.#sums.values()) {
      const mean = millis / count;
      if (mean > 0) squares += Math.max(0, sum / (mean * mean) - count);
      deviations += count - 1;
    }
    if (deviations === 0) return this.#noise;
    const noise = Math.sqrt(squares / deviations);
    this.#noise += (deviations / (deviations + NOISE_MEMORY)) * (noise - this.#noise);
    return deviations < FEW_DEVIATIONS ? Math.max(noise, this.#noise) : noise;
  }
}
