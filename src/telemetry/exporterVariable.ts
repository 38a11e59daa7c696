import { type Environment, EnvironmentReader } from '../internal/environment.ts';
import { warn } from '../internal/tracingSuppression.ts';
import type { SignalName } from '../model/signal.ts';

/** Where a signal goes by the environment. `elsewhere`: to an exporter that spanflow does not have, such as `prometheus`, which NodeSDK makes. */
export type ExporterChoice = 'otlp' | 'console' | 'none' | 'elsewhere';

/** Reads `OTEL_TRACES_EXPORTER` and its like: a list of names. Of several, OTLP is preferred, and the others are warned about. */
export function exporterOf(signal: SignalName, environment: Environment): ExporterChoice {
  const name = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const text = new EnvironmentReader(environment).text(name) ?? '';
  const names = [...new Set(text.split(',').map((each) => each.trim()))].filter((each) => each !== '');
  if (names.length === 0) return 'otlp';
  if (names.includes('none')) return 'none';
  const chosen = (['otlp', 'console'] as const).find((known) => names.includes(known));
  if (chosen === undefined) {
    warn(`spanflow: ${signal} are left to NodeSDK: ${name} names no exporter of spanflow (otlp, console)`);
    return 'elsewhere';
  }
  if (names.length > 1) warn(`spanflow: ${signal} go to ${chosen} alone: of several exporters in ${name}, one is used`);
  return chosen;
}
