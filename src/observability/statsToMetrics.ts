import { Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import type { Account } from '../ledger/account.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { attributesOfExporter, named } from './component.ts';
import { WORDS } from './conventions.ts';
import { ExporterMetrics } from './exporterMetrics.ts';
import { type Instruments, instrumentsOf, onCollection } from './instruments.ts';
import {
  type MeteredPipeline,
  type PipelineMetrics,
  type StatsToMetricsOptions,
  type StatsToMetricsSettings,
  statsToMetricsSettings,
} from './options.ts';
import { ProcessorMetrics } from './processorMetrics.ts';

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
 * **Ends** when the pipeline has been shut down, or with `close()`: the callback is unregistered, after the counters were brought up to date a last time. They are told of what an input refuses later, too (`already_shutdown`). So a `MeterProvider` that is shut down after the pipeline exports all of it.
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

/** Reads the books of one ledger when a reader collects. */
class Metering {
  readonly #settings: StatsToMetricsSettings;
  readonly #instruments: Instruments;
  readonly #exporters = new Map<Account, ExporterMetrics>();
  readonly #processors = new Map<string | undefined, ProcessorMetrics>(); // by route
  readonly #collections: () => void; // unregisters the callback
  readonly #end = new Subscription(); // of the pipeline
  readonly #unwatch: () => void;
  #hasEnded = false;

  constructor(settings: StatsToMetricsSettings) {
    const { ledger, meterProvider, signal } = settings;
    this.#settings = settings;
    this.#instruments = instrumentsOf(meterProvider, signal);
    this.#collections = onCollection(this.#instruments.meter, () => this.#bringUpToDate());
    this.#unwatch = ledger.watch({
      exported: (by, tally, operation) => this.#guard(() => this.#exporterOf(by)?.record(tally, operation)),
      // What comes after the shutdown: no collection asks for it any more.
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

  #bringUpToDate(): void {
    this.#findExporters();
    for (const exporter of this.#exporters.values()) exporter.bringUpToDate();
    for (const processor of this.#processors.values()) processor.bringUpToDate();
    if (this.#hasEnded) for (const processor of this.#processors.values()) processor.end();
  }

  #exporterOf(account: Account): ExporterMetrics | undefined {
    if (!this.#exporters.has(account)) this.#findExporters();
    return this.#exporters.get(account);
  }

  /** In the order of the stages, so that the numbers in their names do not depend on which of them exports first. */
  #findExporters(): void {
    for (const account of this.#settings.ledger.accounts)
      if (account.sink !== undefined && !this.#exporters.has(account)) this.#addExporter(account);
  }

  #addExporter(account: Account): void {
    const attributes = attributesOfExporter(this.#settings.meterProvider, account);
    this.#exporters.set(account, new ExporterMetrics(account, attributes, this.#instruments));
    this.#processorOf(account.place.route)?.add(account);
  }

  /** The metrics about what is in front of the exporters of a route, if the signal has processors and something is there. */
  #processorOf(route: string | undefined): ProcessorMetrics | undefined {
    const known = this.#processors.get(route);
    const { processor: instruments } = this.#instruments;
    const stages = () => stagesInFront(this.#settings.ledger, route);
    if (known !== undefined || instruments === undefined || stages().length === 0) return known;
    const { meterProvider, signal } = this.#settings;
    const processor = new ProcessorMetrics(stages, named(meterProvider, WORDS[signal].processor, route), instruments);
    this.#processors.set(route, processor);
    return processor;
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#end.unsubscribe();
    this.#collections();
    this.#bringUpToDate();
  }

  /** A meter that throws must not end a pipeline. */
  #guard(work: () => unknown): void {
    runGuarded(work, () => this.#settings.ledger.callbackFailed());
  }
}

/** The stages whose items go to the exporters of a route: its own, and those that all routes share. */
function stagesInFront({ accounts }: Ledger, route: string | undefined): Account[] {
  const isOnTheWay = (of: string | undefined) => of === undefined || route === of || route?.startsWith(`${of}/`);
  return accounts.filter(({ role, place }) => role !== 'sink' && isOnTheWay(place.route));
}
