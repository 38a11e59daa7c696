import { lossesOnAnyRoute } from '../ledger/losses.ts';
import { total } from '../ledger/stageStats.ts';
import type { ShownStats } from './options.ts';

/** More samples than any terminal has columns. */
const MAX_SAMPLES = 512;
/** Over how long a rate is taken, so that batches do not make it jump. */
const RATE_WINDOW_MILLIS = 1_000;

/** What is shown of one moment. */
export interface Sample {
  readonly atMillis: number;
  readonly stats: ShownStats;
  readonly offeredPerSecond: number;
  readonly deliveredPerSecond: number;
  readonly pending: number;
  /** Refused at the way in, or lost later, on the route that has lost most. */
  readonly lost: number;
}

/** The newest samples of one source, the oldest first. */
export class Samples {
  readonly #samples: Sample[] = [];
  /** Of the pipeline; empty where it is not known. */
  state = '';

  get all(): readonly Sample[] {
    return this.#samples;
  }

  get last(): Sample | undefined {
    return this.#samples.at(-1);
  }

  add(stats: ShownStats, atMillis: number): void {
    const since = this.#samples.findLast((sample) => atMillis - sample.atMillis >= RATE_WINDOW_MILLIS);
    const before = since ?? this.#samples[0];
    const seconds = before === undefined ? 0 : (atMillis - before.atMillis) / 1_000;
    const rate = (count: 'offered' | 'delivered') =>
      before === undefined || seconds <= 0 ? 0 : (stats[count] - before.stats[count]) / seconds;
    this.#samples.push({
      atMillis,
      stats,
      offeredPerSecond: rate('offered'),
      deliveredPerSecond: rate('delivered'),
      pending: stats.pending,
      lost: total(lossesOnAnyRoute(stats)),
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }
}

/** The newest values of a gauge. */
export class GaugeSamples {
  readonly #values: number[] = [];
  text = '';

  get values(): readonly number[] {
    return this.#values;
  }

  add(value: number, text: string): void {
    this.#values.push(value);
    this.text = text;
    if (this.#values.length > MAX_SAMPLES) this.#values.shift();
  }
}
