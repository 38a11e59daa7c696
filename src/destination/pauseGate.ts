import type { Observable, Subscription } from 'rxjs';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { type AttemptSize, type EndAttempt, type Layer, Waiters } from './layer.ts';

/** Holds back all attempts while it is paused. Those in flight go on. */
export class PauseGate implements Layer {
  readonly #waiters = new Waiters();
  #isPaused = false;

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.#waiters.wake(this);
  }

  admits(): boolean {
    return !this.#isPaused;
  }

  begin(): EndAttempt {
    return () => {};
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    return this.#waiters.add(size, wake);
  }
}

/** What follows the values of `pauseWhen`. */
export interface PauseFollower {
  /** Names the option in an error. */
  readonly option: string;
  readonly onPause: (isPaused: boolean) => void;
  readonly onError: (thrown: unknown) => void;
}

/** Follows an Observable of pauses as long as `parent` lives. A value that is no boolean is reported, and ignored; when the Observable ends or fails, the last state stays. */
export function followPause(
  pauseWhen: Observable<boolean> | undefined,
  { option, onPause, onError }: PauseFollower,
  parent: Subscription,
): void {
  const next = (isPaused: boolean) => {
    if (typeof isPaused === 'boolean') onPause(isPaused);
    else onError(new InvalidOptionError(option, 'an Observable of true and false', isPaused));
  };
  if (pauseWhen !== undefined) subscribeInto(pauseWhen, { next, error: onError }, parent);
}
