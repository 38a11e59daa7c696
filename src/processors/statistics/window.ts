import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InvalidOptionError } from '../../model/errors.ts';
import { ExponentialBucketCounts } from '../../strategies/exponentialHistogram.ts';
import { isFailed, millisOf } from '../../strategies/spanFacts.ts';
import { dimensionOf } from '../shared/dimensions.ts';
import type { Fold } from '../shared/folding.ts';
import type { StatisticsOptions, StatisticsSettings } from './options.ts';
import { type SpanStatistics, withQuantiles } from './spanStatistics.ts';

const OVERFLOW_KEY = 'otel.metric.overflow';

interface Counts {
  count: number;
  errors: number;
  readonly durations: ExponentialBucketCounts;
}

/** Counts the spans of one window after the other, by key. */
export class Window implements Fold<SpanStatistics> {
  readonly #settings: StatisticsSettings;
  readonly #keyOf: (span: ReadableSpan) => string;
  #byKey = new Map<string, Counts>();
  #startMillis = 0; // of the window that is counted

  constructor(settings: StatisticsSettings) {
    this.#settings = settings;
    this.#keyOf = keyFunction(settings.key);
  }

  begin(): void {
    this.#startMillis = this.#settings.epochMillis();
  }

  add(span: ReadableSpan): void {
    const key = this.#keyOf(span);
    const millis = millisOf(span.duration);
    const failed = isFailed(span);
    const counts = this.#countsOf(key);
    counts.count += 1;
    if (failed) counts.errors += 1;
    counts.durations.add(millis);
  }

  harvest(): readonly SpanStatistics[] {
    const times = { startMillis: this.#startMillis, endMillis: this.#settings.epochMillis() };
    const counted = [...this.#byKey];
    this.#byKey = new Map();
    return counted.map(([key, { count, errors, durations }]) =>
      withQuantiles({ key, ...times, count, errors, durations: durations.snapshot() }),
    );
  }

  #countsOf(key: string): Counts {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#settings.maxKeys && key !== OVERFLOW_KEY) return this.#countsOf(OVERFLOW_KEY);
    const counts = { count: 0, errors: 0, durations: new ExponentialBucketCounts() };
    this.#byKey.set(key, counts);
    return counts;
  }
}

function keyFunction(key: NonNullable<StatisticsOptions['key']>): (span: ReadableSpan) => string {
  if (typeof key === 'string') {
    const read = dimensionOf(key);
    return (span) => String(read(span) ?? '');
  }
  return (span) => {
    const text: unknown = key(span);
    if (typeof text === 'string') return text;
    throw new InvalidOptionError('what statistics.key returns', 'a text', text);
  };
}
