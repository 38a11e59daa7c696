export interface ConnectionRenewalSettings {
  /** 0 or more, or `Infinity`. */
  readonly maxAgeMillis: number;
  /** Numbers from 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** The part of the maximal age by which `random` shortens it, at most. */
const AGE_JITTER_RATIO = 0.2;
/** Through a balancer with half of its backends sick, so many new connections in a row meet a sick one once in a million times. */
const MAX_FUTILE_RENEWALS = 20;
/** What a backend then pays for refusing everything: one new connection in this time. */
const FUTILE_GAP_MILLIS = 1_000;

/**
 * Decides when a working connection is replaced by a new one. Behind a balancer a connection is tied to one backend: a new one can meet another.
 *
 * Why not after every refusal? Where all backends refuse, a new connection changes nothing, and its TLS handshake costs them more than the request that they refuse. So when 20 new connections in a
 * row were refused with their first request, one connection per second is replaced, until there is another answer than a refusal.
 */
export class ConnectionRenewal {
  readonly #settings: ConnectionRenewalSettings;
  #futile = 0; // new connections in a row that were refused with their first request
  #renewedAtMillis = Number.NEGATIVE_INFINITY; // the last renewal after a refusal

  constructor(settings: ConnectionRenewalSettings) {
    this.#settings = settings;
  }

  /** How old the next connection may become: 80 to 100 % of the maximal age, so that connections that were made together are not replaced together. */
  nextAgeMillis(): number {
    const { maxAgeMillis, random } = this.#settings;
    return maxAgeMillis * (1 - AGE_JITTER_RATIO * random());
  }

  /** There was an answer other than a refusal. */
  answered(): void {
    this.#futile = 0;
  }

  /** A request was refused for now. Returns whether its connection is replaced. */
  refused(isFirstRequest: boolean, nowMillis: number): boolean {
    if (isFirstRequest) this.#futile += 1;
    if (this.#futile > MAX_FUTILE_RENEWALS && nowMillis - this.#renewedAtMillis < FUTILE_GAP_MILLIS) return false;
    this.#renewedAtMillis = nowMillis;
    return true;
  }
}
