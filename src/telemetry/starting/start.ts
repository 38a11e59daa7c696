import type { Environment } from '../../internal/environment.ts';
import { EnvironmentReader } from '../../internal/environment.ts';
import { warn } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import { installed, needed } from '../../peers/installed.ts';
import type { OnIgnored, Package } from '../configFile/model.ts';
import { signalsOf } from '../configFile/pipelines.ts';
import { providerPlanOf } from '../configFile/providers.ts';
import { type Telemetry, telemetry } from '../telemetry.ts';
import { logToConsole } from './diagLogger.ts';
import { flushAtSignals } from './endSignals.ts';
import { registerProviders } from './providers.ts';

type Api = typeof import('@opentelemetry/api');
type NodeSdk = typeof import('@opentelemetry/sdk-node');
type Resources = typeof import('@opentelemetry/resources');

const OWNER = 'spanflow/register';

/** Sets up what the environment says. It never throws: a program must not fail because its telemetry does. */
export function startByEnvironment(environment: Environment): Telemetry | undefined {
  const variables = new EnvironmentReader(environment);
  if (/^true$/i.test(variables.text('OTEL_SDK_DISABLED') ?? '')) return undefined;
  try {
    const api = needed<Api>('@opentelemetry/api', OWNER);
    const file = variables.text('OTEL_CONFIG_FILE');
    if (file === undefined) logToConsole(api, variables.text('OTEL_LOG_LEVEL'));
    const made = file === undefined ? startByVariables(api, environment) : startByFile(api, file, environment);
    if (made !== undefined) flushAtSignals(made);
    return made;
  } catch (thrown) {
    tell(`${OWNER} has set up nothing: ${messageOf(thrown)}`);
    return undefined;
  }
}

/** By `diag`, if there is the API, and else as a warning of the process. */
function tell(message: string): void {
  if (installed('@opentelemetry/api') === undefined) process.emitWarning(message, 'SpanflowWarning');
  else warn(message);
}

/** With `NodeSDK`, which reads the variables of the resource, the sampler, the limits and the propagators; without it, with what is installed. */
function startByVariables(api: Api, environment: Environment): Telemetry {
  const made = telemetry({ environment, ...withoutMissingMetrics() });
  return orEnded(made, () => {
    const nodeSdk = installed<NodeSdk>('@opentelemetry/sdk-node');
    if (nodeSdk === undefined) return registerProviders(api, made.sdk, { resource: resourceOfVariables() });
    // It sets a logger of its own then, and would warn of ours.
    if (environment.OTEL_LOG_LEVEL) api.diag.disable();
    new nodeSdk.NodeSDK(made.sdk).start();
  });
}

/** Without their SDK nobody measures anything. */
function withoutMissingMetrics() {
  return installed('@opentelemetry/sdk-metrics') === undefined ? { signals: { metrics: false } as const } : {};
}

function resourceOfVariables() {
  const resources = installed<Resources>('@opentelemetry/resources');
  return resources?.defaultResource().merge(resources.detectResources({ detectors: [resources.envDetector] }));
}

/** The file says everything: of the variables, only those count that it names itself, and those of proxies. */
function startByFile(api: Api, file: string, environment: Environment): Telemetry | undefined {
  const name = '@opentelemetry/configuration';
  const configuration = needed<Package>(name, `${OWNER} with OTEL_CONFIG_FILE`);
  const config = parsed(api, configuration, file);
  if (config.disabled) return undefined;
  logToConsole(api, config.log_level ?? undefined);
  const onIgnored: OnIgnored = (path, why) => warn(`${OWNER}: ${path} of OTEL_CONFIG_FILE is not set up: ${why}`);
  const plan = providerPlanOf(config, configuration, onIgnored);
  const made = telemetry({
    environment: withoutOtel(environment),
    signals: signalsOf(config, configuration, onIgnored),
  });
  return orEnded(made, () => registerProviders(api, made.sdk, plan));
}

function parsed(api: Api, configuration: Package, file: string) {
  try {
    return configuration.parseConfigFile(file);
  } catch (thrown) {
    logToConsole(api, undefined);
    throw thrown;
  }
}

function withoutOtel(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('OTEL_')));
}

/** Does the rest, and takes back what was made where that fails. */
function orEnded(made: Telemetry, work: () => void): Telemetry {
  try {
    work();
    return made;
  } catch (thrown) {
    void made.shutdown({ deadlineMillis: 0 });
    throw thrown;
  }
}
