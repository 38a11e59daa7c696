import type { Counter, Histogram, Meter, MeterProvider, UpDownCounter } from '@opentelemetry/api';
import { VERSION } from '../internal/version.ts';
import type { SignalName } from '../model/signal.ts';
import { WORDS } from './conventions.ts';

/** The instruments about processors. */
export interface ProcessorInstruments {
  readonly queueSize: UpDownCounter;
  readonly queueCapacity: UpDownCounter;
  readonly processed: Counter;
}

/** The instruments about one signal. */
export interface Instruments {
  readonly meter: Meter;
  /** `undefined`: the signal has no processors. */
  readonly processor: ProcessorInstruments | undefined;
  readonly inflight: UpDownCounter;
  readonly exported: Counter;
  readonly duration: Histogram;
}

export function instrumentsOf(meterProvider: MeterProvider, signal: SignalName): Instruments {
  const { exported, processed, unit: word, items } = WORDS[signal];
  const meter = meterProvider.getMeter('spanflow', VERSION);
  const unit = `{${word}}`;
  const exporter = `otel.sdk.exporter.${exported}`;
  return {
    meter,
    processor: processed === undefined ? undefined : processorInstruments(meter, processed, { unit, items }),
    inflight: meter.createUpDownCounter(`${exporter}.inflight`, {
      unit,
      description: `The number of ${items} which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).`,
    }),
    exported: meter.createCounter(`${exporter}.exported`, {
      unit,
      description: `The number of ${items} for which the export has finished, either successful or failed.`,
    }),
    duration: meter.createHistogram('otel.sdk.exporter.operation.duration', {
      unit: 's',
      description: 'The duration of exporting a batch of telemetry records.',
      // The conventions: count and sum, unless a view asks for buckets.
      advice: { explicitBucketBoundaries: [] },
    }),
  };
}

function processorInstruments(
  meter: Meter,
  word: string,
  { unit, items }: { readonly unit: string; readonly items: string },
): ProcessorInstruments {
  const processor = `otel.sdk.processor.${word}`;
  return {
    queueSize: meter.createUpDownCounter(`${processor}.queue.size`, {
      unit,
      description: `The number of ${items} in the queue of a given instance of an SDK processor.`,
    }),
    queueCapacity: meter.createUpDownCounter(`${processor}.queue.capacity`, {
      unit,
      description: `The maximum number of ${items} the queue of a given instance of an SDK processor can hold.`,
    }),
    processed: meter.createCounter(`${processor}.processed`, {
      unit,
      description: `The number of ${items} for which the processing has finished, either successful or failed.`,
    }),
  };
}

/**
 * Calls `read` whenever a reader collects, and before it does so. The returned function ends that.
 *
 * Why are not the instruments observable ones? The SDK goes on to report the last value of those whose callback was unregistered: a queue that was not empty at the last collection would never be again. A counter can be told the end. So this observable instrument has no
 * value, and is never exported; that the SDK calls its callback first is all that it is for.
 */
export function onCollection(meter: Meter, read: () => void): () => void {
  const never = [meter.createObservableGauge('spanflow.never_observed')];
  const callback = () => read();
  meter.addBatchObservableCallback(callback, never);
  return () => meter.removeBatchObservableCallback(callback, never);
}
