import { type Observable, type Subscriber, Subscription } from 'rxjs';
import { AttemptLine } from '../../destination/attemptLine.ts';
import { layerOfBreaker } from '../../destination/circuitBreaker.ts';
import { type Concurrency, followLimit, slotsFor } from '../../destination/concurrency.ts';
import { destinationOf } from '../../destination/destination.ts';
import type { Layer } from '../../destination/layer.ts';
import { followPause, PauseGate } from '../../destination/pauseGate.ts';
import { layerOfRate } from '../../destination/rateLimit.ts';
import type { SlotPool } from '../../destination/slotPool.ts';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { followSettings } from '../../internal/liveSettings.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { StageHealth } from '../../ledger/gauges.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushRequest } from '../../model/batch.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import type { BreakerState } from '../../strategies/breaker.ts';
import { batchOf } from '../shared/givenBatch.ts';
import { Delivery, type DeliveryContext } from './delivery.ts';
import { changedExportSettings, type ExportToChanges, type ExportToSettings } from './options.ts';
import { type Entry, Pending } from './pending.ts';

/** A flush, and what it still waits for. */
interface WaitingFlush<T> {
  readonly waitsFor: Set<Entry<T>>;
  readonly settle: () => void;
}

/** One subscription of {@link exportTo}: each batch is taken or refused, delivered, and ends with one outcome. */
export class Exporting<T> {
  readonly #subscriber: Subscriber<Outcome<T>>;
  readonly #context: DeliveryContext<T>;
  readonly #settings: ExportToSettings<T>; // of this subscription: `settings$` changes them
  readonly #reporter: StageReporter<T>;
  readonly #upstream = new Subscription();
  readonly #controls = new Subscription(); // to `concurrency`, `pauseWhen`, `settings$`, `giveUpWhen` and `stopWhen`
  readonly #pause = new PauseGate();
  readonly #concurrency: Concurrency;
  readonly #slots: SlotPool;
  readonly #line: AttemptLine;
  readonly #pending: Pending<T>;
  readonly #unready = new Set<Entry<T>>(); // came when no attempt could begin: their holds get `ready()` when one can
  readonly #end: EndOfStream;
  readonly #flushes = new Set<WaitingFlush<T>>();
  readonly #flush$: Observable<FlushRequest> | undefined; // of the run
  #breaker: BreakerState | undefined; // its state; undefined without one
  #stopped = false; // by `stopWhen`

  constructor(
    subscriber: Subscriber<Outcome<T>>,
    sink: Sink<T>,
    settings: ExportToSettings<T>,
    reporter: StageReporter<T>,
    flush$: Observable<FlushRequest> | undefined,
  ) {
    const { scheduler, processHold } = settings;
    this.#flush$ = flush$;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    const destination = destinationOf(sink, scheduler);
    this.#concurrency = settings.concurrency ?? destination.limiter;
    this.#slots = slotsFor(this.#concurrency);
    this.#line = new AttemptLine({
      layers: [
        this.#pause,
        destination.health,
        destination.gate,
        ...sharedLayers(settings),
        destination.slots,
        this.#slots,
      ],
      now: () => scheduler.now(),
      onError: (thrown) => reporter.callbackFailed(thrown),
    });
    this.#context = { sink, destination, line: this.#line, settings, reporter };
    this.#pending = new Pending(settings);
    this.#end = new EndOfStream(subscriber, {
      isDone: () => this.#pending.size === 0,
      leaveSource: () => reporter.tearDown(this.#upstream),
      hold: () => holdProcess(scheduler, processHold),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<Batch<T> | readonly T[]>): void {
    const unwatch = this.#reporter.account.watch({
      inFlight: () => this.#pending.inFlight,
      running: () => this.#line.running,
      waiting: () => this.#line.waiting,
      limit: () => this.#slots.limit,
      health: () => this.#health,
    });
    const noNewWork = () => this.#line.close();
    const abort = () => this.#abort();
    tearDownInOrder(this.#subscriber, noNewWork, this.#upstream, this.#controls, abort, unwatch);
    this.#followControls();
    this.#followHealth();
    this.#end.follow(source, (given) => this.#take(given), this.#upstream);
    // After the source: a batcher in front of it has sent out what it has when the flush comes here.
    if (this.#flush$ !== undefined)
      subscribeInto(this.#flush$, { next: (request) => this.#flush(request) }, this.#controls);
  }

  /** The request is done when everything that was taken before has its outcome. */
  #flush(request: FlushRequest): void {
    const { urgency } = request;
    const { settle } = request.hold();
    const waitsFor = new Set(this.#pending.each());
    const flush = { waitsFor, settle };
    this.#flushes.add(flush);
    this.#checkFlush(flush);
    if (urgency !== undefined) for (const { delivery } of [...waitsFor]) delivery.flush(urgency);
  }

  #checkFlush(flush: WaitingFlush<T>): void {
    if (flush.waitsFor.size === 0 && this.#flushes.delete(flush)) flush.settle();
  }

  #followControls(): void {
    const { pauseWhen, giveUpWhen, stopWhen } = this.#settings;
    const onError = (thrown: unknown) => this.#reporter.callbackFailed(thrown);
    const stop = () => this.#stop();
    followLimit(this.#concurrency, { slots: this.#slots, option: 'exportTo.concurrency' }, onError, this.#controls);
    const onPause = (isPaused: boolean) => {
      this.#pause.isPaused = isPaused;
    };
    followPause(pauseWhen, { option: 'exportTo.pauseWhen', onPause, onError }, this.#controls);
    this.#followSettings(onError);
    if (giveUpWhen !== undefined) subscribeInto(giveUpWhen, { next: () => this.#giveUp() }, this.#controls);
    if (stopWhen !== undefined) subscribeInto(stopWhen, { next: stop, error: stop }, this.#controls);
  }

  get #health(): StageHealth {
    const isFailing = this.#context.destination.health.isFailing || (this.#breaker ?? 'closed') !== 'closed';
    return { isFailing, ...(this.#breaker !== undefined && { breaker: this.#breaker }) };
  }

  /** The first values come at once, and say how it stands: the destination may have been asked by others before. */
  #followHealth(): void {
    const tell = () => this.#reporter.account.healthChanged();
    const onBreaker = (state: BreakerState) => {
      this.#breaker = state;
      tell();
    };
    const { breaker } = this.#settings;
    subscribeInto(this.#context.destination.health.failing$, { next: tell }, this.#controls);
    if (breaker !== undefined) subscribeInto(breaker.state$, { next: onBreaker }, this.#controls);
  }

  #followSettings(onError: (thrown: unknown) => void): void {
    const check = (change: ExportToChanges) => changedExportSettings(this.#settings, change);
    const apply = (changed: ExportToChanges) => {
      Object.assign(this.#settings, changed);
      if (changed.concurrency !== undefined) this.#slots.limit = changed.concurrency;
    };
    followSettings(this.#settings.settings$, { check, apply, onError }, this.#controls);
  }

  #take(given: Batch<T> | readonly T[]): void {
    const batch = batchOf(given);
    if (batch === undefined) this.#refuseValue(given);
    if (batch === undefined || batch.items.length === 0) return;
    const delivery = new Delivery(given, batch, this.#context);
    const entry = { delivery, hold: batch.hold((urgency) => delivery.flush(urgency)), run: new Subscription() };
    this.#reporter.account.comesFrom(entry.hold.maker);
    if (this.#pending.hasRoomFor(delivery)) this.#accept(entry);
    else this.#refuse(entry);
  }

  /** Only a program without types gets here. The error comes after the outcomes, and is not thrown at the source. */
  #refuseValue(given: unknown): void {
    this.#end.error(new InvalidOptionError('exportTo: what it is given', 'a batch or an array', given));
  }

  #refuse({ delivery, hold }: Entry<T>): void {
    this.#reporter.account.refuse(delivery.size, 'queueFull');
    const outcome = delivery.givenUp('queueFull');
    this.#reporter.account.tellExport(outcome, delivery.operation);
    this.#reportLosses(delivery, outcome);
    this.#subscriber.next(outcome);
    hold.settle(outcome);
  }

  #accept(entry: Entry<T>): void {
    const { delivery, hold, run } = entry;
    this.#reporter.account.accept(delivery.size);
    this.#pending.add(entry);
    if (this.#stopped || this.#line.isSuspended) this.#finish(entry, delivery.givenUp('shutdown'));
    else subscribeInto(delivery.run(), { next: (outcome) => this.#finish(entry, outcome) }, run);
    if (!this.#pending.has(entry)) return;
    if (this.#line.free) hold.ready();
    else this.#waitForLine(entry);
  }

  #finish(entry: Entry<T>, outcome: Outcome<T>): void {
    if (!this.#pending.has(entry)) return; // the end of another batch has ended this one already
    this.#book(entry, outcome);
    this.#subscriber.next(outcome);
    entry.hold.settle(outcome);
    this.#end.check();
  }

  #book(entry: Entry<T>, outcome: Outcome<T>): void {
    this.#pending.delete(entry);
    this.#unready.delete(entry);
    for (const flush of this.#flushes) {
      flush.waitsFor.delete(entry);
      this.#checkFlush(flush);
    }
    this.#reporter.account.settle(entry.delivery.size, outcome);
    this.#reporter.account.batchEnded(outcome, entry.delivery.operation);
    this.#reportLosses(entry.delivery, outcome);
  }

  #reportLosses({ batch }: Delivery<T>, { lost }: Outcome<T>): void {
    for (const loss of lost) this.#reporter.report(loss, batch.items);
  }

  #waitForLine(entry: Entry<T>): void {
    this.#unready.add(entry);
    this.#line.whenFree(this.#lineIsFree);
  }

  readonly #lineIsFree = (): void => {
    const unready = [...this.#unready];
    this.#unready.clear();
    for (const { hold } of unready) hold.ready();
  };

  #stop(): void {
    this.#stopped = true;
    this.#line.close();
    this.#giveUp();
  }

  /** Ends every pending batch. Batches that arrive meanwhile, from the queue of an `adaptiveBatch` for example, are given up, too. */
  #giveUp(): void {
    this.#line.suspendDuring(() => {
      for (const entry of this.#pending.each()) {
        const outcome = entry.delivery.givenUp('shutdown');
        entry.run.unsubscribe();
        this.#finish(entry, outcome);
      }
    });
  }

  #abort(): void {
    for (const entry of this.#pending.each()) {
      const outcome = entry.delivery.givenUp('unsubscribed');
      entry.run.unsubscribe();
      if (!this.#pending.has(entry)) continue; // unsubscribing has brought its answer, and so its outcome
      this.#book(entry, outcome);
      entry.hold.settle(outcome);
    }
  }
}

/** Those that the user has given, from the outside to the inside. */
function sharedLayers<T>({ breaker, rateLimit }: ExportToSettings<T>): Layer[] {
  return [...(breaker ? [layerOfBreaker(breaker)] : []), ...(rateLimit ? [layerOfRate(rateLimit)] : [])];
}
