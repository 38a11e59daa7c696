// What is measured in the sender during a phase.

import { createHistogram } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Stats } from '../../src/index.ts';
import { brokenBooks } from '../support/books.ts';

/** The ends of spans, and those that have none yet. */
export type Facts = Pick<
  Stats,
  'offered' | 'delivered' | 'possibleDuplicates' | 'rejected' | 'refused' | 'lost' | 'pending'
>;

/** The books at one moment. */
export interface Sample extends Facts {
  /** Since the phase began. */
  readonly atMillis: number;
  readonly queueSize: number;
  readonly memoryBytes: number;
  readonly attempts: number;
  readonly inFlight: number;
  /** How many attempts may be in flight. */
  readonly limit: number;
}

/** What a part of a phase cost, and what it left. */
export interface Slice {
  readonly spans: number;
  readonly millis: number;
  /** Of the whole process, without the collection that ends the slice. */
  readonly cpuMicros: number;
  /** Used after a full collection, memory outside of the heap included. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

type Most = Record<(typeof WATCHED)[number], number>;

const WATCHED = ['queueSize', 'memoryBytes', 'pending', 'inFlight'] as const;

export interface Phase {
  readonly slices: readonly Slice[];
  readonly samples: readonly Sample[];
  /** Of `span.end()`. */
  readonly endMicros: { readonly p50: number; readonly p999: number };
  /** What did not hold at some moment: an equation of the books, or a bound. */
  readonly broken: readonly string[];
  /** The bounds. */
  readonly queueCapacity: number;
  readonly budgetBytes: number;
  /** The most that was seen at any moment. */
  readonly most: Readonly<Most>;
}

/** When nothing comes any more, and everything has its end. */
export interface Drained {
  /** Spans that the program ended, by its own count. */
  readonly ended: number;
  readonly books: Facts;
  readonly heapBytes: number;
  readonly memoryBytes: number;
}

const LOOK_MILLIS = 50;
/** Of all looks at the books, one in so many is kept. */
const KEPT = 5;
const MAX_BROKEN = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function collectedHeapBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export function factsOf({ offered, delivered, possibleDuplicates, rejected, refused, lost, pending }: Stats): Facts {
  return { offered, delivered, possibleDuplicates, rejected, refused, lost, pending };
}

/** Watches one phase: the books at short intervals, what each slice costs, and how long each `span.end()` takes. */
export class Watch {
  readonly #stats: () => Stats;
  readonly #budgetBytes: number;
  readonly #startedMillis = performance.now();
  readonly #ends = createHistogram({ figures: 3 });
  readonly #slices: Slice[] = [];
  readonly #samples: Sample[] = [];
  readonly #broken = new Set<string>();
  readonly #timer = setInterval(() => this.#look(), LOOK_MILLIS);
  readonly #most: Most = { queueSize: 0, memoryBytes: 0, pending: 0, inFlight: 0 };
  #looks = 0;

  constructor(stats: () => Stats, budgetBytes: number) {
    this.#stats = stats;
    this.#budgetBytes = budgetBytes;
    // Before the first phase nobody waits for it.
    this.#timer.unref();
    this.#samples.push(this.sample());
  }

  /** A span has ended, which took so long. */
  ended(millis: number): void {
    this.#ends.record(Math.max(1, Math.round(millis * 1e6)));
  }

  async slice(run: () => Promise<number>): Promise<void> {
    const startedMillis = performance.now();
    const before = process.cpuUsage();
    const spans = await run();
    const { user, system } = process.cpuUsage(before);
    const millis = performance.now() - startedMillis;
    const rssBytes = process.memoryUsage.rss();
    const heapBytes = collectedHeapBytes();
    this.#slices.push({ spans, millis, cpuMicros: user + system, heapBytes, rssBytes });
  }

  end(): Phase {
    clearInterval(this.#timer);
    this.#samples.push(this.sample());
    return {
      slices: this.#slices,
      samples: this.#samples,
      endMicros: { p50: this.#ends.percentile(50) / 1e3, p999: this.#ends.percentile(99.9) / 1e3 },
      broken: [...this.#broken],
      queueCapacity: this.#stats().queueCapacity,
      budgetBytes: this.#budgetBytes,
      most: this.#most,
    };
  }

  /** The books now, which are checked. */
  sample(): Sample {
    const stats = this.#stats();
    const { queueSize, memoryBytes, attempts, inFlight } = stats;
    this.#check(stats);
    for (const name of WATCHED) this.#most[name] = Math.max(this.#most[name], stats[name]);
    const limit = Math.max(0, ...Object.values(stats.stages).map((stage) => stage.limit));
    const atMillis = performance.now() - this.#startedMillis;
    return { ...factsOf(stats), atMillis, queueSize, memoryBytes, attempts, inFlight, limit };
  }

  #look(): void {
    const sample = this.sample();
    this.#looks += 1;
    if (this.#looks % KEPT === 0) this.#samples.push(sample);
  }

  #check(stats: Stats): void {
    const { queueSize, queueCapacity, memoryBytes } = stats;
    const broken = [
      ...brokenBooks(stats),
      ...(queueSize > queueCapacity ? [`${queueSize} in queues for ${queueCapacity}`] : []),
      ...(memoryBytes > this.#budgetBytes ? [`${memoryBytes} bytes of ${this.#budgetBytes}`] : []),
    ];
    for (const one of broken) if (this.#broken.size < MAX_BROKEN) this.#broken.add(one);
  }
}
