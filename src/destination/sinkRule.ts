import { aString, limit, millis, mistakeInWords, optional, type Rule, shape } from '../internal/validation.ts';
import type { SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';

/** Sinks that `toExporter` has made: another signal is an option there. */
const ofExporters = new WeakSet<object>();

/** To be called for each sink that is made of an exporter. */
export function ofExporter<S extends object>(sink: S): S {
  ofExporters.add(sink);
  return sink;
}

/** An object with a name and an `export`, whose other properties are possible. */
export const aSink: Rule = sinkRule(undefined);

/** A sink for this signal. */
export function aSinkFor(signal: SignalName): Rule {
  const isSink = sinkRule(signal);
  return (value, option, call) => {
    isSink(value, option, call);
    takes(signal)(value, option, call);
  };
}

function sinkRule(signal: SignalName | undefined): Rule {
  const example = signal === undefined || signal === 'traces' ? 'otlpHttp()' : `otlpHttp({ signal: '${signal}' })`;
  const hasExport = shape(`a sink, an object with name and export(): ${example} for example`, 'export');
  return (value, option, call) => {
    hasExport(value, option, call);
    const sink = value as Partial<Sink<unknown>> | null | undefined;
    if (typeof sink?.export !== 'function') return;
    if (isExporter(sink))
      call.add(option, `a sink; an exporter of OpenTelemetry becomes one by ${callOfToExporter(signal)}`, value);
    else aString(sink.name, `${option}.name`, call);
    optional(limit(1))(sink.maxConcurrency, `${option}.maxConcurrency`, call);
    optional(millis(1, 'orInfinity'))(sink.attemptTimeoutMillis, `${option}.attemptTimeoutMillis`, call);
  };
}

/** A sink that takes the items of this signal, or that does not say what it takes. Another one would lose every item. */
export function takes(signal: SignalName): Rule {
  return (value, option, call) => {
    const sink = (value ?? {}) as Partial<Sink<unknown>>;
    const taken = sink.component?.signal;
    if (taken === undefined || taken === signal) return;
    const message = `${option} is a sink for ${taken}: give ${sinkInstead(sink, signal)}`;
    call.attempt(() => {
      throw mistakeInWords(option, `a sink for ${signal}`, value, message);
    });
  };
}

function sinkInstead(sink: Partial<Sink<unknown>>, signal: SignalName): string {
  const { name, component } = sink;
  if (component?.type.startsWith('otlp_file_')) return `${name}(path, { signal: '${signal}' })`;
  if (component?.type.startsWith('otlp_')) return `${name}({ signal: '${signal}' })`;
  return ofExporters.has(sink) ? `toExporter(exporter, { signal: '${signal}' })` : `a sink for ${signal}`;
}

/** How an exporter becomes a sink. Where the signal is not known, it is the user's to say. */
function callOfToExporter(signal: SignalName | undefined): string {
  const call = 'toExporter(exporter)';
  if (signal === undefined) return `${call}, with { signal: 'logs' } or { signal: 'metrics' } if it is one of these`;
  return signal === 'traces' ? call : `toExporter(exporter, { signal: '${signal}' })`;
}

/** Refuses a sink that is given instead of options: its methods would be told as unknown options, one by one. */
export function refuseSinkAsOptions(owner: string, options: object, signal: SignalName): void {
  const given: Partial<Sink<unknown> & Record<'sink' | 'sinks', unknown>> = options ?? {};
  if (typeof given.export !== 'function' || given.sink !== undefined || given.sinks !== undefined) return;
  const option = `${owner} options`;
  const rule = 'an object, of which the sink is one property';
  const instead = isExporter(given) ? `sink: ${callOfToExporter(signal)}` : 'sink';
  const message = `${option} must be ${rule}; did you mean ${owner}({ ${instead} })?`;
  throw mistakeInWords(option, rule, options, message);
}

/** Refuses an exporter of OpenTelemetry that is given to a sink as its options. */
export function refuseExporterAsOptions(owner: string, options: object): void {
  if (!isExporter(options ?? {})) return;
  const option = `${owner} options`;
  const message = `${option} are an exporter of OpenTelemetry, which becomes a sink of its own: ${callOfToExporter(undefined)}`;
  throw mistakeInWords(option, 'an object', options, message);
}

/** Whether it is an official exporter: `export(items, resultCallback)`, a shutdown, and no name. */
function isExporter({ name, export: send, shutdown }: Partial<Sink<unknown>>): boolean {
  return name === undefined && send?.length === 2 && typeof shutdown === 'function';
}
