import { aString, limit, millis, mistakeInWords, optional, type Rule, shape } from '../internal/validation.ts';
import type { SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';

const hasExport = shape('a sink, an object with name and export(): otlpHttp() for example', 'export');

/** An object with a name and an `export`, whose other properties are possible. */
export const aSink: Rule = (value, option, call) => {
  hasExport(value, option, call);
  const sink = value as Partial<Sink<unknown>> | null | undefined;
  if (typeof sink?.export !== 'function') return;
  if (isExporter(sink))
    call.add(option, 'a sink; an exporter of OpenTelemetry becomes one by toExporter(exporter)', value);
  else aString(sink.name, `${option}.name`, call);
  optional(limit(1))(sink.maxConcurrency, `${option}.maxConcurrency`, call);
  optional(millis(1, 'orInfinity'))(sink.attemptTimeoutMillis, `${option}.attemptTimeoutMillis`, call);
};

/** A sink for this signal. */
export function aSinkFor(signal: SignalName): Rule {
  return (value, option, call) => {
    aSink(value, option, call);
    takes(signal)(value, option, call);
  };
}

/** A sink that takes the items of this signal, or that does not say what it takes. Another one would lose every item. */
export function takes(signal: SignalName): Rule {
  return (value, option, call) => {
    const { component, name } = (value ?? {}) as Partial<Sink<unknown>>;
    const taken = component?.signal;
    if (taken === undefined || taken === signal) return;
    const instead = component?.type.startsWith('otlp_') ? `${name}({ signal: '${signal}' })` : `a sink for ${signal}`;
    call.attempt(() => {
      throw mistakeInWords(option, `a sink for ${signal}`, value, `${option} is a sink for ${taken}: give ${instead}`);
    });
  };
}

/** Refuses a sink that is given instead of options: its methods would be told as unknown options, one by one. */
export function refuseSinkAsOptions(owner: string, options: object): void {
  const given: Partial<Sink<unknown> & Record<'sink' | 'sinks', unknown>> = options ?? {};
  if (typeof given.export !== 'function' || given.sink !== undefined || given.sinks !== undefined) return;
  const option = `${owner} options`;
  const rule = 'an object, of which the sink is one property';
  const instead = isExporter(given) ? 'sink: toExporter(exporter)' : 'sink';
  const message = `${option} must be ${rule}; did you mean ${owner}({ ${instead} })?`;
  throw mistakeInWords(option, rule, options, message);
}

/** Refuses an exporter of OpenTelemetry that is given to a sink as its options. */
export function refuseExporterAsOptions(owner: string, options: object): void {
  if (!isExporter(options ?? {})) return;
  const option = `${owner} options`;
  const message = `${option} are an exporter of OpenTelemetry, which becomes a sink of its own: toExporter(exporter)`;
  throw mistakeInWords(option, 'an object', options, message);
}

/** Whether it is an official exporter: `export(items, resultCallback)`, a shutdown, and no name. */
function isExporter({ name, export: send, shutdown }: Partial<Sink<unknown>>): boolean {
  return name === undefined && send?.length === 2 && typeof shutdown === 'function';
}
