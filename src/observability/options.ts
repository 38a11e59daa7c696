import type { MeterProvider } from '@opentelemetry/api';
import type { Observable } from 'rxjs';
import { anObservable, oneOf, optional, type Rules, requireRule, settingsOf, shape } from '../internal/validation.ts';
import { type Ledger, ledgerOf } from '../ledger/ledger.ts';
import type { Stats } from '../ledger/stats.ts';
import { InvalidOptionError } from '../model/errors.ts';
import type { SignalName } from '../model/signal.ts';

/** What metrics can be made about: a pipeline, a handle of `exportHandle()`, or a ledger of `createLedger()`. */
export interface MeteredPipeline {
  /** Not subscribed to: it says whose books are meant. */
  readonly stats$: Observable<Stats>;
  /** When it completes, the pipeline has been shut down. Left out: the end of the books is the end. */
  readonly state$?: Observable<unknown>;
}

/** The options of {@link statsToMetrics}. */
export interface StatsToMetricsOptions {
  /** Makes the instruments: `MeterProvider` of `@opentelemetry/sdk-metrics`, or `metrics.getMeterProvider()`. */
  meterProvider: MeterProvider;
  /** What the items are, which names the instruments: `traces`, `logs` or `metrics`. Default: what the pipeline or its sink says; to be given where neither does. */
  signal?: SignalName;
}

/** Metrics that are being made. */
export interface PipelineMetrics {
  /** Brings the counters up to date, and ends the rest. It is called by itself when the pipeline has been shut down; the second call does nothing. */
  close(): void;
  /** `using`: calls `close` at the end of the block. */
  [Symbol.dispose](): void;
}

/** The options, checked, and the books that are meant. */
export interface StatsToMetricsSettings {
  readonly meterProvider: MeterProvider;
  readonly signal: SignalName;
  readonly ledger: Ledger;
}

const OWNER = 'statsToMetrics';

const STATS_TO_METRICS_RULES: Rules<StatsToMetricsOptions> = {
  meterProvider: shape('a MeterProvider (an object with a method getMeter)', 'getMeter'),
  signal: optional(oneOf('traces', 'logs', 'metrics')),
};

const aPipeline = shape('a pipeline, a handle of exportHandle(), or a ledger of createLedger()');

export function statsToMetricsSettings(
  pipeline: MeteredPipeline,
  options: StatsToMetricsOptions,
): StatsToMetricsSettings {
  const given = settingsOf<StatsToMetricsOptions>(OWNER, {}, STATS_TO_METRICS_RULES, options, {
    pipeline: [pipeline, aPipeline],
  });
  if (pipeline.state$ !== undefined) requireRule(`${OWNER}.pipeline.state$`, pipeline.state$, anObservable);
  const ledger = ledgerOf(pipeline);
  if (ledger === undefined)
    throw new InvalidOptionError(`${OWNER}.pipeline.stats$`, 'the stats$ of a pipeline or ledger', pipeline.stats$);
  const signal = given.signal ?? ledger.signal ?? signalOfSinks(ledger);
  if (signal === undefined)
    throw new InvalidOptionError(`${OWNER}.signal`, "'traces', 'logs' or 'metrics', as no sink says it", undefined);
  return { meterProvider: given.meterProvider, signal, ledger };
}

function signalOfSinks({ accounts }: Ledger): SignalName | undefined {
  const [signal] = accounts.flatMap(({ sink }) => sink?.component?.signal ?? []);
  return signal;
}
