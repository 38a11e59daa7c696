import type { SignalItems, SignalName } from '../model/signal.ts';
import type { SignalFields } from './encode/requestEncoder.ts';
import { LOGS } from './logs/encode/logSignal.ts';
import { METRICS } from './metrics/encode/metricSignal.ts';
import { TRACES } from './traces/encode/traceSignal.ts';

/** What a sink has to know of a signal. */
export interface Signal<Item> {
  /** Behind the base URL of OTLP/HTTP. */
  readonly path: string;
  /** The method of OTLP/gRPC. */
  readonly method: string;
  /** In the names of its environment variables, such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. */
  readonly variable: string;
  readonly fields: SignalFields<Item>;
}

/** The signals that can be sent, by name. */
export const SIGNALS = {
  traces: { path: '/v1/traces', method: methodOf('trace', 'Trace'), variable: 'TRACES', fields: TRACES },
  logs: { path: '/v1/logs', method: methodOf('logs', 'Logs'), variable: 'LOGS', fields: LOGS },
  metrics: { path: '/v1/metrics', method: methodOf('metrics', 'Metrics'), variable: 'METRICS', fields: METRICS },
} as const satisfies { readonly [S in SignalName]: Signal<SignalItems[S]> };

export const SIGNAL_NAMES = Object.keys(SIGNALS) as readonly SignalName[];

/** The signal of this name, typed by its items. */
export function signalOf<S extends SignalName>(name: S): Signal<SignalItems[S]> {
  return SIGNALS[name] as Signal<SignalItems[S]>;
}

/** The variable of the signal first, then the one of all signals. */
export type NamedVariables = (variable: string) => readonly string[];

export function variablesOf({ variable: infix }: Pick<Signal<never>, 'variable'>): NamedVariables {
  return (variable) => [`OTEL_EXPORTER_OTLP_${infix}_${variable}`, `OTEL_EXPORTER_OTLP_${variable}`];
}

function methodOf(folder: string, service: string): string {
  return `/opentelemetry.proto.collector.${folder}.v1.${service}Service/Export`;
}
