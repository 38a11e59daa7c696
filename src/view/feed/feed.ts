import { type SchedulerLike, Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import type { Watchable } from '../options.ts';
import type { Hello, Sample, TraceRecord } from '../shared/messages.ts';
import { MAX_POINTS } from './series.ts';
import { TRACE_BOUNDS, TraceStore } from './traceStore.ts';
import { Watched } from './watched.ts';

/** Twice a second: what moves is seen to move, and costs a few microseconds. */
const SAMPLE_MILLIS = 500;
/** Half a minute in which a page has read nothing. */
const MAX_DROPPED_IN_A_ROW = 60;

/** Where messages to one page go. */
export interface Page {
  /** Whether everything that was sent before has left. If not, the next message is dropped: nothing is queued for a slow page. */
  readonly isReady: boolean;
  send(event: 'hello' | 'sample', data: string): void;
  /** The page has read nothing for long. */
  giveUp(): void;
}

/** What one page has got. */
interface Reader {
  readonly page: Page;
  sequence: number; // of the newest trace that was sent
  dropped: number; // samples in a row
}

/** Samples the pipelines while a page is open, and sends what is new to each page. Without a page no timer runs. */
export class Feed {
  readonly #scheduler: SchedulerLike;
  readonly #traces = new TraceStore();
  readonly #watched: readonly Watched[];
  readonly #readers = new Set<Reader>();
  #timer = Subscription.EMPTY; // until the next sample

  constructor(pipelines: readonly (readonly [string, Watchable])[], scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
    this.#watched = pipelines.map(([name, pipeline]) => new Watched(name, pipeline, this.#traces, scheduler));
  }

  get pages(): number {
    return this.#readers.size;
  }

  /** Returns the function that ends it. */
  open(page: Page): () => void {
    const reader: Reader = { page, sequence: 0, dropped: 0 };
    this.#readers.add(reader);
    if (this.#readers.size === 1) this.#begin();
    const traces = this.#traces.newerThan(0);
    reader.sequence = traces.at(-1)?.sequence ?? 0;
    page.send('hello', JSON.stringify(this.#hello(traces)));
    return () => this.#leave(reader);
  }

  close(): void {
    this.#timer.unsubscribe();
    this.#readers.clear();
    for (const watched of this.#watched) watched.close();
  }

  #begin(): void {
    for (const watched of this.#watched) watched.followOutcomes();
    this.#arm();
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    this.#timer.unsubscribe();
    for (const watched of this.#watched) watched.leaveOutcomes();
    this.#traces.clear();
  }

  #arm(): void {
    this.#timer = after(this.#scheduler, SAMPLE_MILLIS, () => {
      this.#arm();
      this.#sampleForAll();
    });
  }

  #hello(traces: readonly TraceRecord[]): Hello {
    const sample = { ...this.#sample(), traces, unseenSpans: 0 };
    const points = Object.fromEntries(this.#watched.map((watched) => [watched.name, watched.points]));
    return { sample, points, maxPoints: MAX_POINTS, maxTraces: TRACE_BOUNDS.maxTraces };
  }

  #sample(): Pick<Sample, 'at' | 'pipelines'> {
    const pipelines = this.#watched.flatMap((watched) => watched.sample() ?? []);
    return { at: this.#scheduler.now(), pipelines };
  }

  #sampleForAll(): void {
    const books = { ...this.#sample(), unseenSpans: this.#traces.nextInterval() };
    const written = new Map<number, string>(); // by what the page has got: mostly the same for all
    for (const reader of [...this.#readers]) {
      if (!this.#isReady(reader)) continue;
      const traces = this.#traces.newerThan(reader.sequence);
      const message = written.get(reader.sequence) ?? JSON.stringify({ ...books, traces } satisfies Sample);
      written.set(reader.sequence, message);
      reader.sequence = traces.at(-1)?.sequence ?? reader.sequence;
      reader.page.send('sample', message);
    }
  }

  #isReady(reader: Reader): boolean {
    reader.dropped = reader.page.isReady ? 0 : reader.dropped + 1;
    if (reader.dropped > MAX_DROPPED_IN_A_ROW) reader.page.giveUp();
    return reader.dropped === 0;
  }
}
