import type { Environment } from '../internal/environment.ts';
import { oneOf, optional, passing, type Rule, type Rules, record, settingsOf } from '../internal/validation.ts';
import { LIFE_CYCLE_DEFAULTS, LIFE_CYCLE_RULES, type LifeCycleSettings } from '../pipelines/lifeCycle/options.ts';
import { requireEndpoint } from '../sinks/shared/configuration/endpoint.ts';
import { mustSecretly } from '../sinks/shared/configuration/secret.ts';
import { SIGNAL_OPTIONS, SINK_OPTIONS, type TelemetryOptions, type TelemetrySignals } from './options.ts';

export const OWNER = 'telemetry';

/** The options, with the defaults of what is not left to a sink, a pipeline or a variable. */
export interface TelemetrySettings extends LifeCycleSettings {
  readonly signals: TelemetrySignals;
  readonly environment: Environment;
}

/** The sinks and pipelines check what is theirs. */
const checkedLater: Rule = () => {};

const OF_SINKS = Object.fromEntries(SINK_OPTIONS.map((name) => [name, checkedLater])) as Record<
  (typeof SINK_OPTIONS)[number],
  Rule
>;
const aProtocol = optional(oneOf('http/protobuf', 'http/json', 'grpc'));

const RULES: Rules<TelemetryOptions> = {
  ...OF_SINKS,
  url: optional(passing((value, option) => requireBase(option, value))),
  protocol: aProtocol,
  ...LIFE_CYCLE_RULES,
  spool: checkedLater,
  signals: record({
    traces: falseOrOptions(SIGNAL_OPTIONS.traces),
    logs: falseOrOptions(SIGNAL_OPTIONS.logs),
    metrics: falseOrOptions(SIGNAL_OPTIONS.metrics),
  }),
  environment: mustSecretly('an object', (value) => typeof value === 'object' && value !== null),
};

/** Checks what telemetry itself decides. */
export function telemetrySettings(options: TelemetryOptions): TelemetrySettings {
  const defaults = { ...LIFE_CYCLE_DEFAULTS, signals: {}, environment: process.env };
  return settingsOf<TelemetryOptions>(OWNER, defaults as never, RULES, options) as TelemetrySettings;
}

/** A signal's own path in the base would be there twice. What gRPC takes besides is checked by its sink. */
function requireBase(option: string, given: unknown): void {
  const text = typeof given === 'string' ? given : (given as Partial<URL> | null)?.href;
  const isOfGrpc = typeof text === 'string' && !/^https?:/i.test(text);
  if (!isOfGrpc) requireEndpoint(option, given);
}

function falseOrOptions(known: readonly string[]): Rule {
  const rules = { ...Object.fromEntries(known.map((name) => [name, checkedLater])), protocol: aProtocol };
  return (value, option, call) => {
    if (value === false) return;
    if (typeof value === 'object' && value !== null) call.checkRecord(option, rules, value);
    else call.add(option, "false, or an object of the signal's options", value);
  };
}
