import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, merge, mergeMap, type Observable, type OperatorFunction, pipe, Subject, tap } from 'rxjs';
import type { Batch } from '../../model/batch.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import { fanOutOf } from '../../operators/fanOut/fanOut.ts';
import type { Branch } from '../../operators/fanOut/options.ts';
import { inBatches } from '../../operators/inBatches/inBatches.ts';
import { REBATCH_DEFAULTS } from '../../operators/rebatch/options.ts';
import { rebatch } from '../../operators/rebatch/rebatch.ts';
import type { Processing } from '../config/process.ts';
import type { Destination } from '../config/send.ts';
import type { RelayBatch, RelayCompose, RelayStreams } from '../options.ts';

/** What a configuration says of the way from the receiver to the backends. */
export interface WayParts {
  readonly processing: Processing;
  readonly batching: RelayBatch;
  readonly destinations: ReadonlyMap<string, Destination>;
  /** How long a batch is tried, where its destination does not say. */
  readonly maxElapsedMillis: number;
}

type Batches<T> = Observable<Batch<T> | readonly T[]>;

/**
 * The way that a configuration describes.
 *
 * ```
 *  traces$ ─▶ inBatches(drop, redact, enrich) ─┬────────────────▶ rebatch ──────────────▶ exportTo, fanOut
 *                                              │  (tailSample ─▶ adaptiveBatch)
 *                                              └─▶ spanMetrics ─┐
 *  metrics$ ────────────────────────────────────────────────────┴▶ rebatch ─▶ exportTo, fanOut
 *  logs$ ────────────────────────────────────────────────────────▶ rebatch ─▶ exportTo, fanOut
 * ```
 */
export function configuredWay(parts: WayParts): RelayCompose {
  const { inBatches: operators, metrics, sampling } = parts.processing;
  const spansOf = ({ traces$ }: RelayStreams) => traces$.pipe(inBatches<ReadableSpan>(...operators));
  return (streams) => {
    const counted = new Subject<ReadableSpan>();
    const points$ =
      metrics &&
      counted.pipe(
        metrics,
        map((point): readonly MetricDataPoint[] => [point]),
      );
    const processed$ = operators.length === 0 ? streams.traces$ : spansOf(streams);
    const spans$ = metrics === undefined ? processed$ : processed$.pipe(countedBy(counted));
    const points = points$ === undefined ? streams.metrics$ : merge(streams.metrics$, points$);
    // The metrics first: they hear of the first spans, too.
    return [
      ...wayOf('metrics', points, parts),
      ...(sampling === undefined ? wayOf('traces', spans$, parts) : sampledWay(spans$, sampling, parts)),
      ...wayOf('logs', streams.logs$, parts),
    ];
  };
}

function countedBy(spans: Subject<ReadableSpan>) {
  return tap<Batch<ReadableSpan>>({
    next: ({ items }) => {
      for (const span of items) spans.next(span);
    },
    complete: () => spans.complete(),
  });
}

/** Nothing, where the signal goes nowhere: then it is refused. */
function wayOf<S extends SignalName>(signal: S, batches$: Batches<SignalItems[S]>, parts: WayParts) {
  const exporting = exportingOf(signal, parts);
  if (exporting === undefined) return [];
  return [batches$.pipe(rebatch({ ...parts.batching, name: `rebatch(${signal})` }), exporting)];
}

function sampledWay(
  spans$: Observable<Batch<ReadableSpan>>,
  sampling: OperatorFunction<ReadableSpan, ReadableSpan>,
  parts: WayParts,
) {
  const exporting = exportingOf('traces', parts);
  if (exporting === undefined) return [];
  const batching = adaptiveBatch<ReadableSpan>({ ...parts.batching, name: 'adaptiveBatch(traces)' });
  return [
    spans$.pipe(
      mergeMap(({ items }) => items),
      sampling,
      batching,
      exporting,
    ),
  ];
}

/** The queue in front of each destination has the bounds of the batcher; what is out is bounded by that, too. Stages and outcomes bear the name of their destination, `main(traces)`, whether it is alone or one of several. */
function exportingOf<S extends SignalName>(
  signal: S,
  { destinations, batching, maxElapsedMillis }: WayParts,
): OperatorFunction<Batch<SignalItems[S]>, unknown> | undefined {
  const branches = [...destinations].flatMap(([name, { sinks, isRequired, retry }]) => {
    const sink = sinks[signal] as Sink<SignalItems[S]> | undefined;
    const branch = sink && { sink, required: isRequired, retry: { maxElapsedMillis, ...retry } };
    return branch === undefined ? [] : [[`${name}(${signal})`, branch] as const];
  });
  const [only, ...others] = branches;
  if (only === undefined) return undefined;
  const [name, { sink, retry }] = only;
  const unbounded = { maxPendingItems: Number.POSITIVE_INFINITY, maxPendingBytes: Number.POSITIVE_INFINITY };
  if (others.length === 0) {
    const named = map((outcome: Outcome<SignalItems[S]>) => ({ ...outcome, route: name }));
    return pipe(exportTo(sink, { name, retry, ...unbounded }), named);
  }
  const { maxQueueSize = REBATCH_DEFAULTS.maxQueueSize, maxQueueBytes, maxUnsettledBatches } = batching;
  const queue = {
    maxQueueSize,
    ...(maxQueueBytes !== undefined && { maxQueueBytes }),
    ...(maxUnsettledBatches !== undefined && { maxUnsettledBatches }),
  };
  const byName = Object.fromEntries(branches) as Record<string, Branch<SignalItems[S]>>;
  return fanOutOf(byName, queue, { owner: 'fanOut', exportsBearNames: true });
}
