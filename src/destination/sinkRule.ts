import { aString, limit, millis, optional, type Rule, shape } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';
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

/** Refuses a sink that is given instead of options: its methods would be told as unknown options, one by one. */
export function refuseSinkAsOptions(owner: string, options: object): void {
  const given: Partial<Sink<unknown> & Record<'sink' | 'sinks', unknown>> = options ?? {};
  if (typeof given.export !== 'function' || given.sink !== undefined || given.sinks !== undefined) return;
  const option = `${owner} options`;
  const rule = 'an object, of which the sink is one property';
  const instead = isExporter(given) ? 'sink: toExporter(exporter)' : 'sink';
  const message = `${option} must be ${rule}; did you mean ${owner}({ ${instead} })?`;
  throw new InvalidOptionError(option, rule, options, [{ option, rule, given: options, message }]);
}

/** Whether it is an official exporter: `export(items, resultCallback)`, a shutdown, and no name. */
function isExporter({ name, export: send, shutdown }: Partial<Sink<unknown>>): boolean {
  return name === undefined && send?.length === 2 && typeof shutdown === 'function';
}
