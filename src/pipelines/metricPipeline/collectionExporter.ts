import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { runGuarded } from '../../internal/runGuarded.ts';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import { dataPointsOf } from '../../otlp/metrics/collections.ts';
import type { ExportAnswer, ExportHandle } from '../answers/handle.ts';

type Answer = Parameters<PushMetricExporter['export']>[1];

// Of `ExportResultCode`, whose enum would load its package.
const SUCCESS = 0 as const;
const FAILED = 1 as const;

/** What the exporter is made of. */
interface CollectionExporterPlan {
  readonly handle: Pick<ExportHandle<MetricDataPoint>, 'export'>;
  readonly onCallbackError: (thrown: unknown) => void;
}

/** Makes of each collection one call of the handle, and of its answer the reader's one. */
export class CollectionExporter {
  readonly #plan: CollectionExporterPlan;

  constructor(plan: CollectionExporterPlan) {
    this.#plan = plan;
  }

  /** Answers once, with what has become of the collection. It never throws. */
  export(collection: ResourceMetrics, answer: Answer): void {
    const points = pointsOf(collection);
    if (points instanceof SpanflowError) this.#answer(answer, points);
    else this.#plan.handle.export(points).then((end) => this.#answer(answer, failureIn(end, points.length)));
  }

  #answer(answer: Answer, error: SpanflowError | undefined): void {
    const result = error === undefined ? { code: SUCCESS } : { code: FAILED, error };
    runGuarded(() => answer(result), this.#plan.onCallbackError);
  }
}

function pointsOf(collection: ResourceMetrics): MetricDataPoint[] | SpanflowError {
  try {
    return dataPointsOf(collection);
  } catch (thrown) {
    return failure(`the collection cannot be read: ${messageOf(thrown)}`, thrown);
  }
}

/** Why not all of its points were delivered, if they were not. What operators have taken out is neither lost nor rejected. */
function failureIn(end: ExportAnswer, points: number): SpanflowError | undefined {
  const missing = end.rejected + end.lost.reduce((sum, { count }) => sum + count, 0);
  if (missing === 0) return undefined;
  const reasons = end.lost.map(({ count, reason, stage }) => `${count} ${reason} at ${stage}`);
  if (end.rejected > 0) reasons.push(`${end.rejected} rejected by the backend`);
  const said = end.message === undefined ? '' : `; the backend says: ${end.message}`;
  const last = end.error === undefined ? '' : `; the last failure: ${end.error.message}`;
  const lost = `${missing} of ${points} data points were not delivered`;
  return failure(`${lost}: ${reasons.join(', ')}${said}${last}`, end.error);
}

function failure(message: string, cause: unknown): SpanflowError {
  return new SpanflowError('EXPORT_FAILED', `metricPipeline: ${message}`, { cause });
}
