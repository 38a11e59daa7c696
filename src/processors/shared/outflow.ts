import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable, type SchedulerLike, type Subscriber, Subscription, type TeardownLogic } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { Releases } from '../../flow/releases.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { type ProcessHold, waiting } from '../../internal/timers.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { Outlet } from './outlet.ts';
import { spansOnly } from './spansOnly.ts';

export interface OutflowSettings {
  readonly flushWhen: Observable<unknown> | undefined;
  readonly processHold: ProcessHold;
  readonly scheduler: SchedulerLike;
}

/** What an operator that gathers spans says about them. */
export interface OutflowPlan<R> {
  /** As how many items the books count something that is emitted. */
  countOf(value: R): number;
  /** Whether nothing is gathered. */
  isEmpty(): boolean;
  /** How much has come, and how much had come before the oldest that is gathered: a flush waits for what came before it. */
  came(): number;
  earliest(): number;
  /** The source has ended: everything is to be pushed, and drained. */
  end(because: 'complete' | 'error'): void;
  /** A flush has come: what it asks for is to be pushed, and drained. */
  flush(): void;
  /** The timer is over: what is due is to be pushed, and drained. */
  due(): void;
  /** Everything that was pushed has been emitted, and the consumers have returned. */
  onDrained?(): void;
}

/** The way out of an operator that gathers spans: what it emits, one after the other, the timer for what is due, flushes, and the end. */
export class Outflow<R> {
  readonly #subscriber: Subscriber<R>;
  readonly #settings: OutflowSettings;
  readonly #stage: string;
  readonly #plan: OutflowPlan<R>;
  readonly #outlet: Outlet<R>;
  readonly #flushes: Releases;
  readonly #upstream = new Subscription(); // to the source and `flushWhen`
  readonly #end: EndOfStream;
  readonly #next = (value: R) => this.#subscriber.next(value);
  readonly #earliest = () => this.#plan.earliest();
  readonly #fire = () => {
    this.#timer = undefined;
    this.#plan.due();
  };
  #timer: Subscription | undefined; // for what is due next

  constructor(
    subscriber: Subscriber<R>,
    settings: OutflowSettings,
    reporter: StageReporter<ReadableSpan>,
    plan: OutflowPlan<R>,
  ) {
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#stage = reporter.account.stage;
    this.#plan = plan;
    this.#flushes = new Releases(settings.scheduler);
    this.#outlet = new Outlet((value) => {
      this.#flushes.emits();
      reporter.account.handOn(plan.countOf(value));
      reporter.account.passOn(this.#next, value);
    });
    this.#end = new EndOfStream(subscriber, {
      isDone: () => plan.isEmpty() && this.#outlet.isIdle,
      leaveSource: () => reporter.tearDown(this.#upstream),
      drain: (kind) => {
        this.disarm();
        plan.end(kind);
      },
      subscribe: followSource(reporter.account),
    });
  }

  /** @param teardowns what ends with the subscription, after the source */
  follow(
    source: Observable<ReadableSpan>,
    next: (span: ReadableSpan) => void,
    ...teardowns: readonly TeardownLogic[]
  ): void {
    const { flushWhen } = this.#settings;
    tearDownInOrder(
      this.#subscriber,
      this.#upstream,
      () => this.disarm(),
      ...teardowns,
      () => this.#flushes.answer(),
    );
    const flush = {
      next: (request: unknown) => this.#flush(request),
      error: (thrown: unknown) => this.#end.error(thrown),
    };
    if (flushWhen !== undefined) subscribeInto(flushWhen, flush, this.#upstream);
    const take = spansOnly(this.#stage, next, (thrown) => this.#end.error(thrown));
    this.#end.follow(source, take, this.#upstream);
  }

  /** Whether nobody listens any more. */
  get isClosed(): boolean {
    return this.#subscriber.closed;
  }

  /** How many values wait for the emission that is under way. */
  get length(): number {
    return this.#outlet.length;
  }

  push(value: R): void {
    this.#outlet.push(value);
  }

  /** What was pushed goes out, unless an emission is under way: then it goes out behind it. */
  drain(): void {
    this.#outlet.drain();
    this.#plan.onDrained?.();
    if (this.#outlet.isIdle) this.#flushes.answer(this.#earliest);
    this.#end.check();
  }

  /** What has not gone out leaves. */
  clear(): R[] {
    return this.#outlet.clear();
  }

  /** Sets the timer, unless it runs. */
  arm(delayMillis: () => number): void {
    if (this.#timer !== undefined || this.isClosed) return;
    const { scheduler, processHold } = this.#settings;
    this.#timer = waiting(scheduler, delayMillis(), processHold, this.#fire);
  }

  disarm(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #flush(request: unknown): void {
    if (!this.#flushes.add(request, this.#plan.came())) return;
    this.disarm();
    this.#plan.flush();
  }
}
