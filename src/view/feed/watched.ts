import { type SchedulerLike, Subscription } from 'rxjs';
import type { Stats } from '../../ledger/stats.ts';
import type { PipelineState } from '../../pipelines/lifeCycle/options.ts';
import type { Watchable, WatchedOutcome } from '../options.ts';
import type { PipelineSample, Point } from '../shared/messages.ts';
import { RoundTrips } from './roundTrips.ts';
import { pointOf, Series } from './series.ts';
import type { TraceStore } from './traceStore.ts';

/** One pipeline: its last minutes from `stats$`, all the time; its outcomes, and samples of its books, while a page is open. */
export class Watched {
  readonly name: string;
  readonly #pipeline: Watchable;
  readonly #scheduler: SchedulerLike;
  readonly #traces: TraceStore;
  readonly #series = new Series();
  readonly #books = new Subscription();
  #roundTrips = new RoundTrips();
  #outcomes = Subscription.EMPTY; // while a page is open
  #hasEnded = false;
  #state: PipelineState | null = null;
  #last: PipelineSample | undefined;

  constructor(name: string, pipeline: Watchable, traces: TraceStore, scheduler: SchedulerLike) {
    this.name = name;
    this.#pipeline = pipeline;
    this.#traces = traces;
    this.#scheduler = scheduler;
    const ended = () => {
      this.#hasEnded = true;
    };
    // What goes wrong in the pipeline is told to those who run it; here it has just ended.
    const next = (state: PipelineState) => {
      this.#state = state;
    };
    this.#books.add(pipeline.state$?.subscribe({ next, error() {} }));
    this.#books.add(pipeline.stats$.subscribe({ next: (stats) => this.#add(stats), error: ended, complete: ended }));
  }

  get points(): readonly Point[] {
    return this.#series.points;
  }

  followOutcomes(): void {
    this.#outcomes = this.#pipeline.outcomes$.subscribe({ next: (outcome) => this.#ended(outcome), error() {} });
  }

  leaveOutcomes(): void {
    this.#outcomes.unsubscribe();
    this.#roundTrips = new RoundTrips();
  }

  /** The books now; what they were if they cannot be read. */
  sample(): PipelineSample | undefined {
    try {
      const stats = this.#pipeline.stats();
      const roundTrips = this.#roundTrips.quantiles(this.#scheduler.now());
      const now = { roundTrips, state: this.#state, hasEnded: this.#hasEnded };
      this.#last = { name: this.name, stats, point: this.#add(stats), ...now };
    } catch {
      // `stats` of a composition of the user's own: what it throws must not end the program that is watched.
    }
    return this.#last;
  }

  close(): void {
    this.leaveOutcomes();
    this.#books.unsubscribe();
  }

  #add(stats: Stats): Point {
    const now = this.#scheduler.now();
    const point = pointOf(now, stats, this.#roundTrips.quantiles(now));
    this.#series.add(point);
    return point;
  }

  #ended(outcome: WatchedOutcome): void {
    if (outcome.attempts > 0) this.#roundTrips.add(this.#scheduler.now(), outcome.attemptMillis);
    this.#traces.look(this.name, outcome);
  }
}
