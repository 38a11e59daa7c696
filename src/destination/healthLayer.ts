import { BehaviorSubject, distinctUntilChanged, type Observable } from 'rxjs';
import { DestinationHealth } from '../strategies/destinationHealth.ts';
import type { EndAttempt, Layer } from './layer.ts';

/** Holds nothing back: it sees each attempt, and tells whether the destination is failing. */
export class HealthLayer implements Layer {
  readonly #health = new DestinationHealth();
  readonly #isFailing = new BehaviorSubject(false);
  /** Why the newest attempt failed; `undefined` when one was accepted since. The caller that makes the attempts sets it. */
  failure: string | undefined;
  /** Whether it is failing at present, and then each change. */
  readonly failing$: Observable<boolean> = this.#isFailing.pipe(distinctUntilChanged());

  get isFailing(): boolean {
    return this.#health.isFailing;
  }

  admits(): boolean {
    return true;
  }

  begin(): EndAttempt {
    const era = this.#health.begin();
    return (end) => {
      this.#health.ended(era, end);
      if (end.ending === 'accepted') this.failure = undefined;
      this.#isFailing.next(this.#health.isFailing);
    };
  }

  /** Never called: it admits everything. */
  whenReady(): () => void {
    return () => {};
  }
}
