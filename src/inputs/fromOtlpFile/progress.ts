import { type Observable, ReplaySubject, type SchedulerLike } from 'rxjs';
import type { FileProgress } from './options.ts';

type Counts = Pick<FileProgress, 'readBytes' | 'records' | 'items' | 'empty' | 'damaged' | 'unreadBytes'>;

/** Counts what is read, and tells of it from time to time. */
export class ProgressMeter {
  readonly #scheduler: SchedulerLike;
  readonly #intervalMillis: number;
  readonly #progress = new ReplaySubject<FileProgress>(1);
  #counts: Counts = { readBytes: 0, records: 0, items: 0, empty: 0, damaged: 0, unreadBytes: 0 };
  #firstDamage: string | undefined;
  #totalBytes = 0;
  #startedAtMillis = 0;
  #toldAtMillis = 0;
  readonly progress$: Observable<FileProgress>;

  constructor(scheduler: SchedulerLike, intervalMillis: number) {
    this.#scheduler = scheduler;
    this.#intervalMillis = intervalMillis;
    this.#progress.next(this.#now(0));
    this.progress$ = this.#progress.asObservable();
  }

  start(totalBytes: number): void {
    this.#totalBytes = totalBytes;
    this.#startedAtMillis = this.#scheduler.now();
    this.#toldAtMillis = this.#startedAtMillis;
    this.#progress.next(this.#now(0));
  }

  add(counted: Partial<Counts>): void {
    const counts: Record<string, number> = { ...this.#counts };
    for (const [name, count] of Object.entries(counted)) counts[name] = (counts[name] ?? 0) + count;
    this.#counts = counts as unknown as Counts;
    const now = this.#scheduler.now();
    if (now - this.#toldAtMillis < this.#intervalMillis) return;
    this.#toldAtMillis = now;
    this.#progress.next(this.#now(now - this.#startedAtMillis));
  }

  /** @param what where it is, and what is wrong */
  damaged(what: string, unreadBytes: number): void {
    this.#firstDamage ??= what;
    this.add({ damaged: 1, unreadBytes });
  }

  end(): void {
    this.#progress.next(this.#now(this.#scheduler.now() - this.#startedAtMillis));
    this.#progress.complete();
  }

  #now(elapsedMillis: number): FileProgress {
    const { readBytes } = this.#counts;
    const left = Math.max(0, this.#totalBytes - readBytes);
    const isKnown = elapsedMillis > 0 && readBytes > 0;
    return {
      ...this.#counts,
      firstDamage: this.#firstDamage,
      totalBytes: this.#totalBytes,
      bytesPerSecond: isKnown ? (readBytes / elapsedMillis) * 1_000 : 0,
      remainingMillis: isKnown ? (left / readBytes) * elapsedMillis : undefined,
    };
  }
}
