import { type Subscriber, Subscription } from 'rxjs';
import { runGuarded } from '../../internal/runGuarded.ts';
import { after, waiting } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import { RaceTimeoutError } from '../../model/errors.ts';
import { BackoffWaits } from '../../strategies/backoffWaits.ts';
import { untilOpen } from '../shared/gateWait.ts';
import { type Fetch, type FromPollingSettings, STAGE } from './options.ts';

/** One subscription of `fromPolling`: one call after the other. */
export class Polling<T> {
  readonly #fetch: Fetch<T>;
  readonly #settings: FromPollingSettings;
  readonly #subscriber: Subscriber<T>;
  readonly #account: Account;
  readonly #reporter: StageReporter<T>;
  readonly #waits: BackoffWaits; // after failures in a row
  #failures = 0; // in a row

  constructor(fetch: Fetch<T>, settings: FromPollingSettings, subscriber: Subscriber<T>, account: Account) {
    this.#fetch = fetch;
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#account = account;
    this.#reporter = new StageReporter(account, {});
    const { backoff, random } = settings;
    const onCallbackError = (thrown: unknown) => this.#reporter.callbackFailed(thrown);
    this.#waits = new BackoffWaits({ owner: STAGE, backoff, random, onCallbackError });
  }

  async run(): Promise<void> {
    const { everyMillis, gate, scheduler } = this.#settings;
    while (!this.#subscriber.closed) {
      while (!gate.open && !this.#subscriber.closed) await untilOpen(gate, this.#subscriber);
      if (this.#subscriber.closed) return;
      const startMillis = scheduler.now();
      const backoffMillis = await this.#call();
      const restMillis = startMillis + everyMillis - scheduler.now();
      if (!this.#subscriber.closed) await this.#wait(Math.max(0, restMillis, backoffMillis));
    }
  }

  /** Returns how long to wait because it failed, in milliseconds. */
  async #call(): Promise<number> {
    const { onFetchError } = this.#settings;
    try {
      this.#emit(await this.#result());
      this.#failures = 0;
      this.#waits.restart();
      return 0;
    } catch (thrown) {
      if (this.#subscriber.closed) return 0;
      this.#failures += 1;
      const backoffMillis = this.#waits.nextMillis();
      runGuarded(() => onFetchError(thrown, this.#failures));
      return backoffMillis;
    }
  }

  /** It does not wait for a call that was aborted: that may ignore its signal. */
  #result(): Promise<T> {
    const { timeoutMillis, scheduler } = this.#settings;
    return new Promise<T>((resolve, reject) => {
      const abort = new AbortController();
      const giveUp = (reason: unknown) => {
        ended.unsubscribe();
        abort.abort(reason);
        reject(reason);
      };
      const ended = new Subscription();
      const unsubscribed = () => giveUp(new Error(`${STAGE} was unsubscribed`));
      this.#subscriber.add(unsubscribed);
      ended.add(() => this.#subscriber.remove(unsubscribed));
      ended.add(after(scheduler, timeoutMillis, () => giveUp(new RaceTimeoutError('the call', timeoutMillis))));
      const result = new Promise<T>((done) => done(this.#fetch({ signal: abort.signal })));
      result.finally(() => ended.unsubscribe()).then(resolve, reject);
    });
  }

  #emit(value: T): void {
    this.#account.accept(1);
    if (this.#subscriber.closed) {
      this.#account.lose(1, 'unsubscribed');
      return;
    }
    this.#account.handOn(1);
    this.#account.passOn((item: T) => this.#subscriber.next(item), value);
  }

  #wait(delayMillis: number): Promise<void> {
    const { scheduler, processHold } = this.#settings;
    return new Promise((resolve) => {
      const timer = waiting(scheduler, delayMillis, processHold, () => {
        this.#subscriber.remove(ended);
        resolve();
      });
      const ended = () => {
        timer.unsubscribe();
        resolve();
      };
      this.#subscriber.add(ended);
    });
  }
}
