import { omit, pick } from '../internal/pick.ts';
import { withoutUndefined } from '../internal/validation.ts';
import { flushWithin } from '../internal/withinTime.ts';
import { messageOf, SpanflowError } from '../model/errors.ts';
import type { SignalItems, SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';
import { needed } from '../peers/installed.ts';
import type { PipelineControls } from '../pipelines/controls.ts';
import { LIFE_CYCLE_DEFAULTS } from '../pipelines/lifeCycle/options.ts';
import { logPipeline } from '../pipelines/logPipeline/logPipeline.ts';
import { metricPipeline } from '../pipelines/metricPipeline/metricPipeline.ts';
import { spanPipeline } from '../pipelines/spanPipeline/spanPipeline.ts';
import { toConsole } from '../sinks/toConsole/toConsole.ts';
import { Destination } from './destination.ts';
import { exporterOf } from './exporterVariable.ts';
import { collectAtExit, endReader, metricReaderOf } from './metricReader.ts';
import { namedAsGiven } from './optionNames.ts';
import { type DestinationOptions, SINK_OPTIONS, type TelemetryOptions, type TelemetrySignals } from './options.ts';
import type { TelemetryPipelines, TelemetrySdk } from './parts.ts';
import { OWNER, type TelemetrySettings } from './settings.ts';

/** How one signal is flushed and ended. */
export interface EndedSignal {
  readonly name: SignalName;
  forceFlush(timeoutMillis: number): Promise<void>;
  shutdown(deadlineMillis: number): Promise<void>;
}

/** The signals that there are, and what the SDK is given of them. */
export interface MadeSignals {
  readonly pipelines: TelemetryPipelines;
  readonly sdk: TelemetrySdk;
  readonly ended: readonly EndedSignal[];
}

/** `off`: the SDK is given nothing for it · `elsewhere`: the SDK decides. */
type Place<S extends SignalName> = 'off' | 'elsewhere' | { readonly sink: Sink<SignalItems[S]> };
type Own<S extends SignalName> = Exclude<NonNullable<TelemetrySignals[S]>, false>;

/** Makes the pipelines of all signals; where an option is wrong, none. */
export function madeSignals(options: TelemetryOptions, settings: TelemetrySettings): MadeSignals {
  const maker = new SignalMaker(options, settings);
  try {
    maker.traces();
    maker.logs();
    maker.metrics();
  } catch (thrown) {
    for (const { shutdown } of maker.ended) void shutdown(0);
    throw thrown;
  }
  return maker;
}

class SignalMaker implements MadeSignals {
  readonly pipelines: { -readonly [S in keyof TelemetryPipelines]: TelemetryPipelines[S] } = {};
  readonly sdk: TelemetrySdk = {};
  readonly ended: EndedSignal[] = [];
  readonly #options: TelemetryOptions;
  readonly #settings: TelemetrySettings;
  readonly #destination: Destination;

  constructor(options: TelemetryOptions, settings: TelemetrySettings) {
    this.#options = options;
    this.#settings = settings;
    this.#destination = new Destination(options);
  }

  traces(): void {
    const place = this.#placeOf('traces');
    if (place === 'off') this.sdk.spanProcessors = [];
    if (typeof place === 'string') return;
    const pipeline = this.#made('traces', (given: Own<'traces'>) => spanPipeline({ ...given, ...place }));
    this.pipelines.traces = pipeline;
    this.sdk.spanProcessors = [pipeline.processor];
    this.#ends('traces', pipeline);
  }

  logs(): void {
    const place = this.#placeOf('logs');
    if (place === 'off') this.sdk.logRecordProcessors = [];
    if (typeof place === 'string') return;
    const pipeline = this.#made('logs', (given: Own<'logs'>) => logPipeline({ ...given, ...place }));
    this.pipelines.logs = pipeline;
    this.sdk.logRecordProcessors = [pipeline.processor];
    this.#ends('logs', pipeline);
  }

  metrics(): void {
    const place = this.#placeOf('metrics');
    if (place === 'off') this.sdk.metricReaders = [];
    if (typeof place === 'string') return;
    const sdk = needed<typeof import('@opentelemetry/sdk-metrics')>(
      '@opentelemetry/sdk-metrics',
      `${OWNER} without \`signals: { metrics: false }\``,
    );
    const pipeline = this.#made('metrics', (given: Own<'metrics'>) => metricPipeline({ ...given, ...place }));
    const { scheduler, exitDeadlineMillis } = this.#settings;
    const reader = metricReaderOf(sdk, pipeline);
    const leaveExit = collectAtExit(reader, exitDeadlineMillis, scheduler);
    this.pipelines.metrics = pipeline;
    this.sdk.metricReaders = [reader];
    this.ended.push({
      name: 'metrics',
      forceFlush: (timeoutMillis) => flushWithin(scheduler, timeoutMillis, 'forceFlush', () => reader.forceFlush()),
      shutdown: (deadlineMillis) => {
        leaveExit();
        return endReader(reader, pipeline, deadlineMillis, scheduler);
      },
    });
  }

  /** Where a signal goes: what the program says is stronger than the variables. */
  #placeOf<S extends SignalName>(name: S): Place<S> {
    const own = this.#settings.signals[name];
    if (own === false) return 'off';
    if (own?.sink !== undefined) return { sink: own.sink as Sink<SignalItems[S]> };
    const choice = exporterOf(name, this.#settings.environment);
    if (choice === 'none') return 'off';
    if (choice === 'elsewhere') return 'elsewhere';
    if (choice === 'console') return { sink: toConsole() };
    const destination: DestinationOptions = own ?? {};
    return { sink: namedAsGiven(name, destination, () => this.#destination.sinkOf(name, destination)) };
  }

  /** Makes a pipeline of the options of its signal, over those of all. */
  #made<S extends SignalName, P>(name: S, make: (given: Own<S>) => P): P {
    const own = this.#ownOf(name);
    const { environment } = this.#settings;
    const shared = withoutUndefined(pick(this.#options, name === 'metrics' ? LIFE_CYCLE_OPTIONS : OF_PUSHED));
    const given = { ...shared, ...withoutUndefined(omit(own, OF_DESTINATION)), environment };
    return namedAsGiven(name, own, () => make(given as unknown as Own<S>));
  }

  #ownOf<S extends SignalName>(name: S): Own<S> {
    return (this.#settings.signals[name] || {}) as Own<S>;
  }

  #ends(name: SignalName, pipeline: Pick<PipelineControls<never>, 'forceFlush' | 'shutdown'>): void {
    this.ended.push({
      name,
      forceFlush: (timeoutMillis) => pipeline.forceFlush({ timeoutMillis }),
      shutdown: (deadlineMillis) => pipeline.shutdown({ deadlineMillis }),
    });
  }
}

const OF_DESTINATION = ['protocol', ...SINK_OPTIONS];
const LIFE_CYCLE_OPTIONS = Object.keys(LIFE_CYCLE_DEFAULTS) as (keyof typeof LIFE_CYCLE_DEFAULTS)[];
/** Of signals whose SDK pushes single items. */
const OF_PUSHED = [...LIFE_CYCLE_OPTIONS, 'spool'] as const;

/** Flushes or ends all signals side by side, each to its end. It fails, after that, if one has failed. */
export async function inParallel(
  verb: string,
  signals: readonly EndedSignal[],
  work: (signal: EndedSignal) => Promise<void>,
): Promise<void> {
  const results = await Promise.allSettled(signals.map(async (signal) => work(signal)));
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: signals[index]?.name, cause: result.reason as unknown }] : [],
  );
  const [first] = failed;
  if (first === undefined) return;
  const said = failed.map(({ name, cause }) => `${name}: ${messageOf(cause)}`).join('; ');
  const code = first.cause instanceof SpanflowError ? first.cause.code : 'EXPORT_FAILED';
  throw new SpanflowError(code, `${OWNER}.${verb}: ${said}`, { cause: first.cause });
}
