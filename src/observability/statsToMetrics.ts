import type { BatchObservableResult, Observable as Observed } from '@opentelemetry/api';
import { Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import type { Account } from '../ledger/account.ts';
import type { ExportOperation } from '../ledger/exports.ts';
import type { Tally } from '../model/tally.ts';
import { attributesOfExporter, Component, named } from './component.ts';
import { ATTRIBUTE, errorTypeOfExport, WORDS } from './conventions.ts';
import { exportedBy, processedBy } from './counts.ts';
import { type Instruments, instrumentsOf } from './instruments.ts';
import {
  type MeteredPipeline,
  type PipelineMetrics,
  type StatsToMetricsOptions,
  type StatsToMetricsSettings,
  statsToMetricsSettings,
} from './options.ts';

/**
 * Makes metrics about a running pipeline, by OpenTelemetry's semantic conventions for SDKs: `otel.sdk.processor.*` and `otel.sdk.exporter.*`.
 *
 * ```
 * span.end()  →  ring  →  adaptiveBatch  │  exportTo( sink )  →  outcomes$
 *                                        │
 *     otel.sdk.processor.span.*          │   otel.sdk.exporter.span.*, otel.sdk.exporter.operation.duration
 * ```
 *
 * What is in front of an export is the processor, and `exportTo` with its retries is the exporter. An item is processed when its batch is passed to the exporter, whatever becomes of it there; it is exported when its batch has its outcome. So, at every instant and for each exporter,
 * `processed without error.type = Σ exported + inflight`. The instruments, their attributes and each `error.type` are listed in the README of the folder.
 *
 * Why is it a function, and no option of the pipeline? Because a `MeterProvider` may need a pipeline to be made: that of `metricPipeline`. And a pipeline without metrics pays nothing for them.
 *
 * **Cost**: none per item. The books are read when a reader collects, some microseconds for each stage; each batch records one duration.
 *
 * **Never feeds itself**: metrics about the `metricPipeline` that exports them are as many series at each collection.
 *
 * **Ends** when the pipeline has been shut down, or with `close()`: the callbacks are unregistered, so sizes of queues and what is in flight are reported no more. Counters are brought up to date before, and are told of what an input refuses later (`already_shutdown`), so a `MeterProvider` that is shut down after the pipeline exports all of it.
 *
 * **Fan-outs**: each route has an exporter and a processor, `otlp_http_span_exporter/0/main` and `batching_span_processor/0/main`. What is lost in front of the fan-out has failed on each route.
 *
 * **Loss**: none; it only watches. What operators of yours take out is not processed.
 *
 * @param pipeline a pipeline of any signal, one of `runPipeline`, a handle of `exportHandle`, or the ledger of a composition of your own
 *
 * @throws InvalidOptionError when it has no books of ours, neither it nor its sink says its signal, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const meters = metricPipeline({ sink: otlpHttp({ signal: 'metrics' }) });
 * const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader(meters.readerOptions)] });
 * const pipeline = spanPipeline({ sink: otlpHttp() });
 * for (const metered of [pipeline, meters]) statsToMetrics(metered, { meterProvider });
 * ```
 *
 * @see statsToConsole, liveView
 */
export function statsToMetrics(pipeline: MeteredPipeline, options: StatsToMetricsOptions): PipelineMetrics {
  const metering = new Metering(statsToMetricsSettings(pipeline, options));
  metering.endWith(pipeline);
  const close = () => metering.close();
  return { close, [Symbol.dispose]: close };
}

/** The processor in front of the exporters of one route. */
interface Processor {
  readonly component: Component;
  readonly exporters: Account[];
}

/** Reads the books of one ledger when a reader collects. */
class Metering {
  readonly #settings: StatsToMetricsSettings;
  readonly #instruments: Instruments;
  readonly #observed: Observed[];
  readonly #exporters = new Map<Account, Component>();
  readonly #processors = new Map<string | undefined, Processor>(); // by route
  readonly #end = new Subscription();
  readonly #unwatch: () => void;
  #hasEnded = false;

  constructor(settings: StatsToMetricsSettings) {
    const { ledger, meterProvider, signal } = settings;
    const instruments = instrumentsOf(meterProvider, signal);
    const { meter, inflight, processor } = instruments;
    this.#settings = settings;
    this.#instruments = instruments;
    this.#observed = processor === undefined ? [inflight] : [inflight, processor.queueSize, processor.queueCapacity];
    meter.addBatchObservableCallback(this.#observe, this.#observed);
    this.#unwatch = ledger.watch({
      exported: (by, tally, operation) => this.#guard(() => this.#record(by, tally, operation)),
      // What comes after the shutdown: no reader's collection asks for it any more.
      lost: () => this.#guard(() => this.#hasEnded && this.#bringUpToDate()),
      closed: () => this.#guard(() => this.#finish()),
    });
  }

  endWith({ state$ }: MeteredPipeline): void {
    const finish = () => this.#guard(() => this.#finish());
    if (state$ !== undefined) this.#end.add(state$.subscribe({ error: finish, complete: finish }));
  }

  close(): void {
    this.#unwatch();
    this.#finish();
  }

  readonly #observe = (result: BatchObservableResult): void => {
    this.#bringUpToDate();
    for (const [account, { attributes }] of this.#exporters)
      result.observe(this.#instruments.inflight, account.stats().pending, attributes);
    const { processor } = this.#instruments;
    if (processor === undefined) return;
    for (const [route, { component }] of this.#processors) {
      const queues = this.#inFrontOf(route).map((stage) => stage.gauges());
      const sum = (name: 'queueSize' | 'queueCapacity') => queues.reduce((total, gauges) => total + gauges[name], 0);
      result.observe(processor.queueSize, sum('queueSize'), component.attributes);
      result.observe(processor.queueCapacity, sum('queueCapacity'), component.attributes);
    }
  };

  #bringUpToDate(): void {
    for (const account of this.#settings.ledger.accounts) this.#exporterOf(account)?.tell(exportedBy(account));
    for (const [route, { component, exporters }] of this.#processors)
      component.tell(processedBy(this.#inFrontOf(route), exporters));
  }

  #record(by: Account, tally: Tally, { millis, statusCode }: ExportOperation): void {
    const exporter = this.#exporterOf(by);
    if (exporter === undefined) return;
    const status = typeof statusCode === 'number' ? ATTRIBUTE.httpStatus : ATTRIBUTE.rpcStatus;
    const attributes = exporter.failedBy(errorTypeOfExport(tally));
    const known = statusCode === undefined ? attributes : { ...attributes, [status]: statusCode };
    this.#instruments.duration.record(millis / 1_000, known);
  }

  /** The exporter that a stage is, if it is one. */
  #exporterOf(account: Account): Component | undefined {
    const known = this.#exporters.get(account);
    if (known !== undefined || account.sink === undefined) return known;
    const exporter = new Component(
      this.#instruments.exported,
      attributesOfExporter(this.#settings.meterProvider, account),
    );
    this.#exporters.set(account, exporter);
    this.#addToProcessor(account);
    return exporter;
  }

  #addToProcessor(exporter: Account): void {
    const { processor } = this.#instruments;
    const { route } = exporter.place;
    const known = this.#processors.get(route);
    if (known !== undefined) known.exporters.push(exporter);
    else if (processor !== undefined && this.#inFrontOf(route).length > 0) {
      const { meterProvider, signal } = this.#settings;
      const component = new Component(processor.processed, named(meterProvider, WORDS[signal].processor, route));
      this.#processors.set(route, { component, exporters: [exporter] });
    }
  }

  /** The stages whose items go to the exporters of a route: its own, and those that all routes share. */
  #inFrontOf(route: string | undefined): Account[] {
    const isOnTheWay = (of: string | undefined) => of === undefined || route === of || route?.startsWith(`${of}/`);
    return this.#settings.ledger.accounts.filter(({ role, place }) => role !== 'sink' && isOnTheWay(place.route));
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#end.unsubscribe();
    this.#instruments.meter.removeBatchObservableCallback(this.#observe, this.#observed);
    this.#bringUpToDate();
  }

  /** A meter that throws must not end a pipeline. */
  #guard(work: () => unknown): void {
    runGuarded(work, () => this.#settings.ledger.callbackFailed());
  }
}
