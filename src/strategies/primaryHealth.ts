import type { AttemptEnding } from '../model/sink.ts';

/** Which of two sinks takes the attempts: the `primary` or the `fallback`. */
export type FailoverState = 'primary' | 'fallback';

export interface FailoverLimits {
  readonly maxFailedAttempts: number;
  readonly probeIntervalMillis: number;
}

/** Where one attempt goes. */
export interface FailoverRoute {
  readonly to: FailoverState;
  readonly isProbe: boolean;
  /** How often the traffic had changed sides by then. */
  readonly turn: number;
}

interface AttemptResult {
  readonly ending: AttemptEnding;
  readonly retryAfterMillis?: number;
}

/** What these say of the backend: nothing. A batch that is refused for good or too large would be refused elsewhere, and an attempt that was aborted might have gone well. */
const NO_SIGNAL: ReadonlySet<AttemptEnding> = new Set(['permanent', 'tooLarge', 'cancelled']);

/**
 * Decides when a primary has given up, and when it has recovered. After `maxFailedAttempts` failures in a row, or one that asks for more patience than `probeIntervalMillis`, everything goes to the fallback; then one attempt per
 * interval, and one at a time, goes to the primary as a probe, until one is accepted.
 */
export class PrimaryHealth {
  readonly #limits: FailoverLimits;
  #state: FailoverState = 'primary';
  #turn = 0;
  #failures = 0; // at the primary, in a row
  #isProbing = false; // a probe is in flight
  #nextProbeMillis = 0;

  constructor(limits: FailoverLimits) {
    this.#limits = limits;
  }

  get state(): FailoverState {
    return this.#state;
  }

  /** Where an attempt goes that begins now. */
  next(nowMillis: number): FailoverRoute {
    const turn = this.#turn;
    if (this.#state === 'primary') return { to: 'primary', isProbe: false, turn };
    const isProbe = !this.#isProbing && nowMillis >= this.#nextProbeMillis;
    if (isProbe) this.#isProbing = true;
    return { to: isProbe ? 'primary' : 'fallback', isProbe, turn };
  }

  /** An attempt is over. Those of an earlier turn say nothing of this one. */
  ended({ to, isProbe, turn }: FailoverRoute, result: AttemptResult, nowMillis: number): void {
    if (turn !== this.#turn || to === 'fallback') return;
    if (isProbe) this.#probed(result, nowMillis);
    else if (result.ending === 'accepted') this.#failures = 0;
    else if (!NO_SIGNAL.has(result.ending)) this.#failed(result, nowMillis);
  }

  #failed(result: AttemptResult, nowMillis: number): void {
    const { maxFailedAttempts, probeIntervalMillis } = this.#limits;
    this.#failures += 1;
    const isPatient = (result.retryAfterMillis ?? 0) <= probeIntervalMillis;
    if (this.#failures < maxFailedAttempts && isPatient) return;
    this.#turnTo('fallback');
    this.#probeAfter(result, nowMillis);
  }

  #probed(result: AttemptResult, nowMillis: number): void {
    this.#isProbing = false;
    if (result.ending === 'accepted') this.#turnTo('primary');
    else if (result.ending !== 'cancelled') this.#probeAfter(result, nowMillis);
  }

  #probeAfter({ retryAfterMillis = 0 }: AttemptResult, nowMillis: number): void {
    this.#nextProbeMillis = nowMillis + Math.max(this.#limits.probeIntervalMillis, retryAfterMillis);
  }

  #turnTo(state: FailoverState): void {
    this.#state = state;
    this.#turn += 1;
    this.#failures = 0;
  }
}
