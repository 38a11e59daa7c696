import { type LossEvent, lossesBetween } from '../shared/counts.ts';
import type { PipelineSample, Point } from '../shared/messages.ts';

/** Losses of one reason at one stage that follow each other closely are one entry. */
export interface LossEntry extends LossEvent {
  readonly key: number;
  readonly atMillis: number;
}

const MAX_ENTRIES = 50;
const TOGETHER_MILLIS = 5_000;
const MAX_SAMPLES = 5;

/** What the page knows of one pipeline. All of it is bounded. */
export class PipelineState {
  readonly name: string;
  readonly #maxPoints: number;
  points: Point[];
  samples: PipelineSample[] = []; // of the last two seconds
  losses: LossEntry[] = []; // the newest first
  #entries = 0;

  constructor(name: string, points: readonly Point[], maxPoints: number) {
    this.name = name;
    this.points = [...points];
    this.#maxPoints = maxPoints;
  }

  get sample(): PipelineSample | undefined {
    return this.samples.at(-1);
  }

  add(sample: PipelineSample, nowMillis: number): void {
    const before = this.sample;
    this.samples = [...this.samples, sample].slice(-MAX_SAMPLES);
    if (sample.point.at !== this.points.at(-1)?.at) this.points.push(sample.point);
    if (this.points.length > this.#maxPoints) this.points.shift();
    if (before === undefined) return;
    for (const loss of lossesBetween(before.stats, sample.stats)) this.#addLoss(loss, nowMillis);
  }

  /** Items per second at a stage, over the last two seconds. */
  rate(stage: string, counter: 'offered' | 'delivered'): number {
    const [first, last] = [this.samples[0], this.sample];
    if (first === undefined || last === undefined || first === last) return 0;
    const more = (last.stats.stages[stage]?.[counter] ?? 0) - (first.stats.stages[stage]?.[counter] ?? 0);
    return (more * 1_000) / (last.point.at - first.point.at);
  }

  #addLoss(loss: LossEvent, atMillis: number): void {
    const same = this.losses.findIndex(
      (entry) =>
        entry.reason === loss.reason && entry.stage === loss.stage && atMillis - entry.atMillis < TOGETHER_MILLIS,
    );
    const entry = this.losses[same];
    if (entry !== undefined) {
      this.losses[same] = { ...entry, count: entry.count + loss.count };
      return;
    }
    this.#entries += 1;
    this.losses = [{ ...loss, key: this.#entries, atMillis }, ...this.losses].slice(0, MAX_ENTRIES);
  }
}
