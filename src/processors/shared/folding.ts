import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable, type SchedulerLike, type Subscriber, Subscription } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { Releases } from '../../flow/releases.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { type ProcessHold, waiting } from '../../internal/timers.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { Outlet } from './outlet.ts';

/** What spans are counted into. */
export interface Fold<R> {
  /** The first span after a harvest is about to be counted. */
  begin(): void;
  /** Counts a span. What it throws means that the span is not counted. */
  add(span: ReadableSpan): void;
  /** What has been counted, to be emitted. */
  harvest(): readonly R[];
}

export interface FoldingSettings {
  readonly everyMillis: number;
  readonly flushWhen: Observable<unknown> | undefined;
  readonly processHold: ProcessHold;
  readonly scheduler: SchedulerLike;
}

/**
 * One subscription of an operator that counts spans, and emits what it has counted: a while after the first span, and at the end. No timer runs while no span comes.
 *
 * In the books the spans are pending until they are in what is emitted, and removed then; what is emitted are new items. So the stage behind is offered as many as this one has handed on.
 */
export class Folding<R> {
  readonly #subscriber: Subscriber<R>;
  readonly #settings: FoldingSettings;
  readonly #reporter: StageReporter<ReadableSpan>;
  readonly #fold: Fold<R>;
  readonly #out: Outlet<R>;
  readonly #flushes: Releases;
  readonly #upstream = new Subscription(); // to the source and `flushWhen`
  readonly #end: EndOfStream;
  readonly #next = (value: R) => this.#subscriber.next(value);
  readonly #fire = () => {
    this.#timer = undefined;
    this.#harvest();
  };
  #timer: Subscription | undefined;
  #counted = 0; // spans since the last harvest

  constructor(
    subscriber: Subscriber<R>,
    settings: FoldingSettings,
    reporter: StageReporter<ReadableSpan>,
    fold: Fold<R>,
  ) {
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#fold = fold;
    this.#flushes = new Releases(settings.scheduler);
    this.#out = new Outlet((value) => {
      this.#flushes.emits();
      reporter.account.handOn(1);
      reporter.account.passOn(this.#next, value);
    });
    this.#end = new EndOfStream(subscriber, {
      isDone: () => this.#counted === 0 && this.#out.isIdle,
      leaveSource: () => reporter.tearDown(this.#upstream),
      drain: () => this.#harvest(),
      subscribe: followSource(reporter.account),
    });
  }

  follow(source: Observable<ReadableSpan>): void {
    const { flushWhen } = this.#settings;
    tearDownInOrder(this.#subscriber, this.#upstream, () => this.#stop());
    const flush = {
      next: (request: unknown) => this.#flush(request),
      error: (thrown: unknown) => this.#end.error(thrown),
    };
    if (flushWhen !== undefined) subscribeInto(flushWhen, flush, this.#upstream);
    this.#end.follow(source, (span) => this.#count(span), this.#upstream);
  }

  #count(span: ReadableSpan): void {
    const { account } = this.#reporter;
    account.accept(1);
    if (this.#counted === 0) this.#fold.begin();
    try {
      this.#fold.add(span);
    } catch (thrown) {
      this.#reporter.callbackFailed(thrown);
      this.#reporter.lost('operatorFailed', [span]);
      return;
    }
    // A callback may have unsubscribed meanwhile.
    if (this.#subscriber.closed) {
      this.#reporter.lost('unsubscribed', [span]);
      return;
    }
    this.#counted += 1;
    const { scheduler, everyMillis, processHold } = this.#settings;
    this.#timer ??= waiting(scheduler, everyMillis, processHold, this.#fire);
  }

  #flush(request: unknown): void {
    if (this.#flushes.add(request, 0)) this.#harvest();
  }

  #harvest(): void {
    this.#disarm();
    if (this.#counted > 0) {
      const { account } = this.#reporter;
      account.remove(this.#counted);
      this.#counted = 0;
      for (const value of this.#fold.harvest()) {
        account.accept(1);
        this.#out.push(value);
      }
    }
    this.#out.drain();
    if (this.#out.isIdle) this.#flushes.answer();
    this.#end.check();
  }

  #disarm(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  /** Of spans that were counted, and of values that were not emitted. The spans themselves are not there any more. */
  #stop(): void {
    this.#disarm();
    this.#flushes.answer();
    const { account } = this.#reporter;
    const count = this.#counted + this.#out.clear().length;
    if (count === 0) return;
    this.#counted = 0;
    account.lose(count, 'unsubscribed');
    this.#reporter.report({ count, reason: 'unsubscribed', stage: account.stage }, []);
  }
}
