import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Of the spans of a batch one in so many tells how long it took: looking at each would be a part of what is measured. */
const SAMPLE_EVERY = 16;

/** How many spans have been acknowledged, and how long that took since they ended. */
export class Acknowledged {
  readonly #indexOf: ReadonlyMap<ReadableSpan, number>;
  readonly #endedMillis: Float64Array; // of each span, when it ended last
  #spans = 0;
  #waits: number[] = []; // milliseconds

  constructor(spans: readonly ReadableSpan[]) {
    this.#indexOf = new Map(spans.map((span, index) => [span, index]));
    this.#endedMillis = new Float64Array(spans.length);
  }

  get spans(): number {
    return this.#spans;
  }

  /** The span ends now that is the next in the row, for the so many-th time. */
  ends(count: number): void {
    this.#endedMillis[count % this.#endedMillis.length] = performance.now();
  }

  take(spans: readonly ReadableSpan[]): void {
    const now = performance.now();
    this.#spans += spans.length;
    for (let at = 0; at < spans.length; at += SAMPLE_EVERY) {
      const index = this.#indexOf.get(spans[at] as ReadableSpan);
      if (index !== undefined) this.#waits.push(now - (this.#endedMillis[index] ?? Number.NaN));
    }
  }

  /** So many at once. */
  add(spans: number, millis: number): void {
    this.#spans += spans;
    this.#waits.push(millis);
  }

  /** Begins anew, and returns what there was. */
  forget(): { readonly spans: number; readonly waits: readonly number[] } {
    const before = { spans: this.#spans, waits: this.#waits };
    this.#spans = 0;
    this.#waits = [];
    return before;
  }
}
