import { BackgroundRefusals } from './backgroundRefusals.ts';
import { type ConcurrencyStrategy, type LimitedAttempt, signalOf } from './concurrency.ts';
import { RefusalCeiling } from './refusalCeiling.ts';
import { RoundTripFloor, sizeClassOf } from './roundTripFloor.ts';
import { type Load, RoundTripWindow } from './roundTripWindow.ts';
import { VainDecreases } from './vainDecreases.ts';

export interface AdaptiveLimitSettings {
  readonly initialLimit: number;
  readonly maxLimit: number;
}

/** With up to this many attempts of ours in the backend's queue the limit grows. */
const GROWS_UP_TO = 0.6;
/** With more than this many it shrinks: two always wait there, so that no worker is idle. */
const SHRINKS_FROM = 2;
/** What is left of the limit after a refusal that is for the load, or a timeout. */
const REFUSED_RATIO = 0.7;

/** The floor is looked for again when the limit could not grow for so long … */
const FLOOR_IS_OLD_MILLIS = 30_000;
/** … and for so many round trips, of which the search takes three. */
const FLOOR_IS_OLD_TRIPS = 100;
/** Round trips of an attempt that is alone, in that search. */
const LONE_TRIPS = 2;

/** The search for the floor: one attempt at a time. */
interface Search {
  readonly limitBefore: number;
  trips: number;
  stretch: number; // sum: round trips, in those of the old floor
}

/**
 * Follows round trips and refusals. How many of our attempts wait in the backend follows from how much longer than the shortest round trip they take; about one to two is right: fewer, and a worker is idle there;
 * more, and they only wait.
 *
 * The estimate is that of TCP Vegas. The floor, the shortest round trip, moves up when fewer attempts in flight do not make round trips shorter (the backend is farther away, or slower), and is looked for again as in BBR: at one attempt in flight nothing of ours waits. Refusals and timeouts count as in Vector's ARC
 * (which counts only those that are final) and in AIMD; those that come whatever the limit do not.
 */
export class AdaptiveLimit implements ConcurrencyStrategy {
  readonly #settings: AdaptiveLimitSettings;
  readonly #floor = new RoundTripFloor();
  readonly #window = new RoundTripWindow(this.#floor);
  readonly #background = new BackgroundRefusals();
  readonly #ceiling = new RefusalCeiling();
  readonly #decreases = new VainDecreases();
  #limit: number;
  #changedAtMillis = Number.NEGATIVE_INFINITY; // of the last decrease: attempts that began earlier have been heard
  #heldSinceMillis: number | undefined; // by the floor: the limit is used, and does not grow
  #search: Search | undefined;

  constructor(settings: AdaptiveLimitSettings) {
    this.#settings = settings;
    this.#limit = settings.initialLimit;
  }

  get limit(): number {
    return this.#limit;
  }

  ended(attempt: LimitedAttempt): void {
    const signal = signalOf(attempt.ending);
    if (signal === 'none' || attempt.startedAtMillis < this.#changedAtMillis) return;
    if (signal === 'roundTrip') this.#accepted(attempt);
    else if (!this.#isByChance(attempt)) this.#refused(attempt);
  }

  /** Whether this one and the others of its round trip may have been refused whatever the limit. A timeout is too dear for that, and a `Retry-After` says that it is too much. */
  #isByChance({ ending, inFlight }: LimitedAttempt): boolean {
    if (ending === 'timedOut' || ending === 'throttled') return false;
    if (inFlight === 1) this.#background.refusedAlone();
    this.#window.addRefused();
    return !this.#background.isExceeded(this.#window.refused, this.#window.attemptsAt(this.#limit));
  }

  #accepted(attempt: LimitedAttempt): void {
    if (attempt.inFlight === 1) this.#background.acceptedAlone();
    if (this.#search !== undefined) this.#foundFloor(this.#search, attempt);
    else this.#succeeded(attempt);
  }

  #refused({ endedAtMillis, inFlight }: LimitedAttempt): void {
    const limit = this.#search?.limitBefore ?? this.#limit;
    this.#search = undefined;
    if (inFlight > 1) this.#ceiling.refused(inFlight);
    this.#setTo(Math.floor(limit * REFUSED_RATIO), endedAtMillis);
  }

  #succeeded(attempt: LimitedAttempt): void {
    this.#window.add(attempt);
    if (!this.#window.isOver(this.#limit)) return;
    this.#background.seen(this.#window.refused, this.#window.attempts);
    const load = this.#window.close(this.#limit);
    this.#window.open(attempt.endedAtMillis);
    this.#follow(load, attempt.endedAtMillis);
  }

  #follow(load: Load, nowMillis: number): void {
    const { queued, doubt, isUsed, meanMillis } = load;
    const mayGrow = queued <= GROWS_UP_TO + doubt;
    this.#heldSinceMillis = isUsed && !mayGrow ? (this.#heldSinceMillis ?? nowMillis) : undefined;
    const mustShrink = queued > SHRINKS_FROM + doubt;
    if (!mustShrink) this.#decreases.end();
    if (isUsed && mayGrow) this.#grow();
    else if (mustShrink && this.#decreases.hasShown(load)) this.#isFarther(load, nowMillis);
    else if (mustShrink) this.#shrink(load, nowMillis);
    const oldAfterMillis = Math.max(FLOOR_IS_OLD_MILLIS, FLOOR_IS_OLD_TRIPS * meanMillis);
    if (nowMillis - (this.#heldSinceMillis ?? nowMillis) >= oldAfterMillis) this.#searchFloor(nowMillis);
  }

  #grow(): void {
    const next = Math.min(this.#settings.maxLimit, this.#limit + 1);
    if (this.#ceiling.allows(next)) this.#limit = next;
  }

  /** It is not our attempts that wait: this is what a round trip takes now. */
  #isFarther({ stretch }: Load, nowMillis: number): void {
    this.#floor.scale(stretch);
    this.#decreases.end();
    this.#setTo(this.#decreases.limitBefore, nowMillis);
  }

  /** By one; or, when far too many wait, by a quarter of them: not by all at once, since what looks like a queue may be a pause that is over already. */
  #shrink(load: Load, nowMillis: number): void {
    this.#decreases.add(load, this.#limit);
    const { queued, doubt, inFlight } = load;
    const isFar = queued > 2 * (SHRINKS_FROM + doubt);
    const used = Math.min(this.#limit, Math.ceil(inFlight));
    this.#setTo(used - (isFar ? Math.ceil(queued / 4) : 1), nowMillis);
  }

  #searchFloor(nowMillis: number): void {
    this.#search = { limitBefore: this.#limit, trips: 0, stretch: 0 };
    this.#setTo(1, nowMillis);
  }

  #foundFloor(search: Search, { startedAtMillis, endedAtMillis, items, inFlight }: LimitedAttempt): void {
    if (inFlight > 1) return;
    search.trips += 1;
    search.stretch += (endedAtMillis - startedAtMillis) / this.#floor.of(sizeClassOf(items));
    if (search.trips < LONE_TRIPS) return;
    this.#floor.scale((search.stretch / LONE_TRIPS) * (1 + this.#window.errorOf(LONE_TRIPS)));
    this.#search = undefined;
    this.#heldSinceMillis = undefined;
    this.#setTo(search.limitBefore, endedAtMillis);
  }

  /** Only attempts that begin from now on show what the new limit does. */
  #setTo(limit: number, nowMillis: number): void {
    this.#limit = Math.max(1, limit);
    this.#changedAtMillis = nowMillis;
    this.#window.open(nowMillis);
  }
}
