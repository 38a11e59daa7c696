import { type Observable, Subject, Subscription } from 'rxjs';
import { followPause } from '../../destination/pauseGate.ts';
import type { Warnings } from '../../internal/diagWarnings.ts';
import { ignoreRejection, runGuarded } from '../../internal/runGuarded.ts';
import { keepingAlive } from '../../internal/timers.ts';
import { millis, settingsOf } from '../../internal/validation.ts';
import { flushWithin } from '../../internal/withinTime.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import { Run } from '../../ledger/run.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import type { LiveOptions, SettingsDealer } from '../liveSettings.ts';
import { closeSink, flushSink } from './closeSink.ts';
import { DeadlockError } from './deadlockError.ts';
import { drainAtExit } from './exitDrain.ts';
import type { Flow } from './flow.ts';
import type { LifeCycleSettings, PipelineState, Shutdown } from './options.ts';
import { RunState } from './runState.ts';
import { shutdownReport } from './shutdownReport.ts';
import { shutdownOnSignals } from './signals.ts';

const FORCE_FLUSH_RULES = { timeoutMillis: millis(0, 'orInfinity') };
const SHUTDOWN_RULES = { deadlineMillis: millis(0) };

const AT_ONCE: FlushUrgency = Object.freeze({ timeoutMillis: 0, isEnding: true });

const AT_EXIT = 'process.exit() and exceptions do not wait: await shutdown() before';

/** The life of a composition, from its first subscription until its sinks are closed: flush, drain at exit, deadline, shutdown, warnings. */
export class LifeCycle<T, R = Outcome<T>> {
  readonly ledger: Ledger;
  readonly warnings: Warnings;
  /** One outcome per batch. It completes after the shutdown. */
  readonly outcomes$: Observable<R>;
  readonly #owner: string;
  readonly #sinks: Iterable<Sink<T>>;
  readonly #settings: LifeCycleSettings;
  readonly #outcomes = new Subject<R>();
  readonly #stopWhen = new Subject<void>(); // the deadline of the shutdown has passed
  readonly #giveUpWhen = new Subject<void>(); // the deadline of a drain at exit has passed
  readonly #state = new RunState();
  readonly #controls = new Subscription(); // to `pauseWhen` and `settings$`
  readonly #ownsLedger: boolean;
  #outcomesSubscription = Subscription.EMPTY;
  #closing: ReturnType<Shutdown> | undefined;

  /**
   * @param owner the function that the user has called: it names the mistakes in the options of `forceFlush` and `shutdown`
   * @param sinks are flushed with each flush, and closed at the shutdown: those that are there then
   * @param books the ledger of the input, and whether it is the user's, who may have given it to others, too. Default: one of its own
   */
  constructor(
    owner: string,
    sinks: Iterable<Sink<T>>,
    settings: LifeCycleSettings,
    warnings: Warnings,
    books?: { readonly ledger: Ledger; readonly isGiven: boolean },
  ) {
    this.#owner = owner;
    this.#sinks = sinks;
    this.#settings = settings;
    this.warnings = warnings;
    this.#ownsLedger = books?.isGiven !== true;
    this.ledger = books?.ledger ?? createLedger({ scheduler: settings.scheduler });
    this.outcomes$ = this.#outcomes.asObservable();
  }

  /** What each stage is given. */
  get stageOptions() {
    const onCallbackError = (thrown: unknown) => this.warnings.callbackFailed(thrown);
    return { ledger: this.ledger, scheduler: this.#settings.scheduler, onCallbackError };
  }

  /** The present state, and then each change. It completes when the pipeline has stopped. */
  get state$(): Observable<PipelineState> {
    return this.#state.state$;
  }

  /** A stage that exports is subscribed. */
  start(): void {
    this.#state.start();
  }

  pause(): void {
    this.#state.setPaused('call', true);
  }

  /** Takes back {@link LifeCycle.pause}. A `pauseWhen` that says `true` stays in force. */
  resume(): void {
    this.#state.setPaused('call', false);
  }

  /** What each `exportTo` is given besides. */
  get exportOptions() {
    const { paused$ } = this.#state;
    return { ...this.stageOptions, pauseWhen: paused$, stopWhen: this.#stopWhen, giveUpWhen: this.#giveUpWhen };
  }

  /** Lets the settings of the stages change until the pipeline has stopped. To be called when the flow runs. */
  followSettings(settings$: LiveOptions['settings$'], dealer: SettingsDealer): void {
    dealer.follow(settings$, (thrown) => this.callbackFailed(thrown), this.#controls);
  }

  /** Subscribes to the flow, and returns what ends and flushes it. */
  run(flow: Flow<R>): { forceFlush(options?: { timeoutMillis?: number }): Promise<void>; shutdown: Shutdown } {
    this.#followPause();
    this.#followHealth();
    const drained = this.#subscribe(flow);
    if (!isEmpty(this.#sinks)) this.start();
    const leaveExit = drainAtExit(this.#settings.exitDeadlineMillis, {
      taken: () => flow.taken?.() ?? this.ledger.stats().accepted,
      isPending: () => this.#closing === undefined && this.#isPending(flow),
      drain: () => this.#drainForExit(flow),
      atEnd: () => this.#endAtOnce(flow),
    });
    const shutdown: Shutdown = (options = {}) => {
      if (this.#closing !== undefined) return this.#closing;
      const defaults = { deadlineMillis: this.#settings.shutdownDeadlineMillis };
      const { deadlineMillis } = settingsOf(`${this.#owner}.shutdown`, defaults, SHUTDOWN_RULES, options);
      this.#closing = this.#close(flow, deadlineMillis, drained).finally(leaveHost);
      return this.#closing;
    };
    const leaveSignals = shutdownOnSignals(this.#settings.shutdownOn, () => shutdown());
    const leaveHost = () => {
      leaveExit();
      leaveSignals();
    };
    return {
      shutdown,
      forceFlush: (options = {}) => {
        const defaults = { timeoutMillis: this.#settings.flushTimeoutMillis };
        const { timeoutMillis } = settingsOf(`${this.#owner}.forceFlush`, defaults, FORCE_FLUSH_RULES, options);
        const flushed = this.#flush(flow, { timeoutMillis, isEnding: false });
        return this.ledger.exportCalls.isEntered ? this.#neverFlushed(flushed) : flushed;
      },
    };
  }

  #followPause(): void {
    const onPause = (isPaused: boolean) => this.#state.setPaused('option', isPaused);
    const onError = (thrown: unknown) => this.callbackFailed(thrown);
    followPause(this.#settings.pauseWhen, { option: `${this.#owner}.pauseWhen`, onPause, onError }, this.#controls);
  }

  #followHealth(): void {
    const healthChanged = () => {
      this.#state.isFailing = this.ledger.isFailing;
    };
    this.#controls.add(this.ledger.watch({ healthChanged }));
  }

  /** An error of an option or a callback that belongs to no stage. */
  callbackFailed(thrown: unknown): void {
    this.ledger.callbackFailed();
    this.warnings.callbackFailed(thrown);
  }

  #subscribe(flow: Flow<R>): Promise<void> {
    const onEnded = (failure?: { readonly thrown: unknown }) => {
      if (flow.onEnded !== undefined) flow.onEnded(failure);
      else if (failure !== undefined)
        this.warnings.trouble(
          `${this.#owner} has ended, and that is a defect of spanflow: ${messageOf(failure.thrown)}`,
        );
    };
    return new Promise((resolve) => {
      const end = (failure?: { readonly thrown: unknown }) => {
        resolve();
        onEnded(failure);
      };
      const observer = {
        next: (outcome: R) => {
          this.start();
          this.#outcomes.next(outcome);
        },
        error: (thrown: unknown) => end({ thrown }),
        complete: () => end(),
      };
      this.#outcomesSubscription = Run.outside(() => flow.outcomes$.subscribe(observer));
      if (flow.mayHang) this.#outcomesSubscription.add(resolve);
    });
  }

  /** A sink that holds something itself may have something to send. */
  #isPending(flow: Flow<R>): boolean {
    const mayHold = [...this.#sinks].some((sink) => sink.forceFlush !== undefined);
    return mayHold || flow.isPending?.() === true || this.ledger.stats().pending > 0;
  }

  #flush(flow: Flow<R>, urgency: FlushUrgency): Promise<void> {
    const flushed = async () => {
      await flow.flush(urgency);
      await Promise.all([...this.#sinks].map((sink) => flushSink(sink, this.#onTrouble)));
    };
    const whyLate = () =>
      this.#state.isPaused
        ? `, because ${this.#owner} is paused; what is still pending goes on when it is resumed`
        : (flow.whyLate?.() ?? '; what is still pending goes on');
    return flushWithin(this.#settings.scheduler, urgency.timeoutMillis, 'forceFlush', flushed, whyLate);
  }

  /** The batch whose export calls this is among those that the flush waits for. Who does not wait for the flush gets it nevertheless. */
  #neverFlushed(flushed: Promise<void>): Promise<void> {
    const rejected = Promise.reject(new DeadlockError(this.#owner));
    ignoreRejection(flushed);
    ignoreRejection(rejected);
    return rejected;
  }

  async #drainForExit(flow: Flow<R>): Promise<void> {
    this.warnings.pause();
    const pauseAgain = this.#state.lift();
    const timeoutMillis = this.#settings.exitDeadlineMillis;
    await this.#flush(flow, { timeoutMillis, isEnding: true }).catch(() => {
      flow.onExitDeadline?.();
      this.#giveUpWhen.next();
    });
    flow.spool?.commit();
    pauseAgain();
    this.warnings.resume();
  }

  /** The process ends, and nothing that is asynchronous happens any more: what can be kept goes into the spool, wherever it is. */
  #endAtOnce(flow: Flow<R>): void {
    const { spool } = flow;
    if (spool !== undefined) {
      const onError = (thrown: unknown) => this.callbackFailed(thrown);
      // First everything passes the operators, which the other one ends; a sink that answers at once still gets it.
      runGuarded(() => flow.end(AT_ONCE), onError);
      runGuarded(() => this.#stopWhen.next(), onError);
      spool.stop();
      spool.commit();
    }
    this.#tellWhatIsLeft();
  }

  /** What came to its end by itself has nothing left. */
  #tellWhatIsLeft(): void {
    const { pending } = this.ledger.stats();
    if (pending > 0)
      this.warnings.trouble(`the process ends, and ${pending} items have no outcome; ${AT_EXIT}`, 'exit');
    this.warnings.close();
  }

  async #close(flow: Flow<R>, deadlineMillis: number, drained: Promise<void>): ReturnType<Shutdown> {
    const { scheduler } = this.#settings;
    const sinceMillis = scheduler.now();
    const before = this.ledger.stats();
    const keptBefore = flow.spool?.kept ?? 0;
    this.#state.drain();
    const deadline = keepingAlive(scheduler, deadlineMillis, () => {
      this.#stopWhen.next();
      flow.onDeadline?.();
      flow.spool?.stop();
      if (flow.mayHang) this.#outcomesSubscription.unsubscribe();
    });
    flow.end({ timeoutMillis: deadlineMillis, isEnding: true });
    await drained;
    deadline.unsubscribe();
    flow.spool?.commit();
    flow.onDrained?.();
    const closed = [...this.#sinks].map((sink) =>
      closeSink(sink, scheduler, { sinceMillis, deadlineMillis }, this.#onTrouble),
    );
    await Promise.all(closed);
    runGuarded(
      () => this.#controls.unsubscribe(),
      (thrown) => this.callbackFailed(thrown),
    );
    this.warnings.close();
    if (this.#ownsLedger) this.ledger.close();
    this.#outcomes.complete();
    this.#state.stop();
    const spooled = flow.spool && flow.spool.kept - keptBefore;
    return shutdownReport(before, this.ledger.stats(), scheduler.now() - sinceMillis, spooled);
  }

  readonly #onTrouble = (message: string): void => this.warnings.trouble(message);
}

function isEmpty(values: Iterable<unknown>): boolean {
  for (const _ of values) return false;
  return true;
}
