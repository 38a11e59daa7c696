import type { TextMapPropagator } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { Sampler, SpanLimits } from '@opentelemetry/sdk-trace';
import { withoutUndefined } from '../../internal/validation.ts';
import { installed, needed } from '../../peers/installed.ts';
import type { ProviderPlan } from '../starting/providers.ts';
import { type ConfigurationModel, given, type OnIgnored, type Package, type TracerNode, tellRest } from './model.ts';

type Trace = typeof import('@opentelemetry/sdk-trace');
type Resources = typeof import('@opentelemetry/resources');
type Core = typeof import('@opentelemetry/core');
type SamplerNode = NonNullable<TracerNode['sampler']>;

const READ = [
  ...['disabled', 'log_level', 'attribute_limits', 'resource', 'propagator'],
  ...['tracer_provider', 'logger_provider', 'meter_provider'],
];

/** What the file says of the providers, besides their pipelines. */
export function providerPlanOf(config: ConfigurationModel, configuration: Package, onIgnored: OnIgnored): ProviderPlan {
  const { tracer_provider: tracer, logger_provider: logger, meter_provider: meter, attribute_limits: all } = config;
  tellRest(config, READ, 'the file', onIgnored);
  if (tracer !== undefined) tellRest(tracer, ['processors', 'sampler', 'limits'], 'tracer_provider', onIgnored);
  if (logger !== undefined) tellRest(logger, ['processors', 'limits'], 'logger_provider', onIgnored);
  if (meter !== undefined) tellRest(meter, ['readers'], 'meter_provider', onIgnored);
  return {
    resource: resourceOf(config.resource, configuration, onIgnored),
    sampler: tracer?.sampler && samplerOf(tracer.sampler, 'tracer_provider.sampler', onIgnored),
    spanLimits: spanLimitsOf(tracer?.limits, all),
    logRecordLimits: attributeLimitsOf(logger?.limits, all),
    propagators: propagatorsOf(config.propagator, configuration, onIgnored),
  };
}

function resourceOf(node: ConfigurationModel['resource'], configuration: Package, onIgnored: OnIgnored): Resource {
  const resources = needed<Resources>('@opentelemetry/resources', 'the resource of OTEL_CONFIG_FILE');
  const { detectors = [], ...rest } = node?.['detection/development'] ?? {};
  tellRest(rest, [], 'resource.detection/development', onIgnored);
  const detected = detectors.flatMap((each) => detectorsOf(Object.keys(each)[0] ?? '', resources, onIgnored));
  const attributes = configuration.mergeResourceAttributesConfig(node?.attributes, node?.attributes_list) ?? [];
  const known = Object.fromEntries(attributes.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])));
  const schema = node?.schema_url ? { schemaUrl: node.schema_url } : {};
  return resources
    .defaultResource()
    .merge(resources.detectResources({ detectors: detected }))
    .merge(resources.resourceFromAttributes(known as never, schema));
}

function detectorsOf(name: string, resources: Resources, onIgnored: OnIgnored) {
  if (name === 'host') return [resources.hostDetector, resources.osDetector];
  if (name === 'process') return [resources.processDetector];
  if (name === 'service') return [resources.serviceNameEnvDetector, resources.serviceInstanceIdDetector];
  onIgnored(`resource.detection/development.detectors.${name}`, 'there is no such detector');
  return [];
}

function samplerOf(node: SamplerNode, path: string, onIgnored: OnIgnored): Sampler | undefined {
  const sdk = needed<Trace>('@opentelemetry/sdk-trace', 'the sampler of OTEL_CONFIG_FILE');
  const [name = '', value] = Object.entries(node)[0] ?? [];
  if (name === 'always_on') return new sdk.AlwaysOnSampler();
  if (name === 'always_off') return new sdk.AlwaysOffSampler();
  if (name === 'trace_id_ratio_based')
    return new sdk.TraceIdRatioBasedSampler((value as { ratio?: number } | null)?.ratio ?? 1);
  if (name === 'parent_based')
    return parentBased(sdk, (value ?? {}) as NonNullable<SamplerNode['parent_based']>, path, onIgnored);
  onIgnored(`${path}.${name}`, 'the sampler of the SDK is used instead, which takes all root spans');
  return undefined;
}

function parentBased(
  sdk: Trace,
  node: NonNullable<SamplerNode['parent_based']>,
  path: string,
  onIgnored: OnIgnored,
): Sampler {
  const of = (name: keyof typeof node) =>
    node[name] && samplerOf(node[name], `${path}.parent_based.${name}`, onIgnored);
  return new sdk.ParentBasedSampler({
    root: of('root') ?? new sdk.AlwaysOnSampler(),
    remoteParentSampled: of('remote_parent_sampled'),
    remoteParentNotSampled: of('remote_parent_not_sampled'),
    localParentSampled: of('local_parent_sampled'),
    localParentNotSampled: of('local_parent_not_sampled'),
  } as never);
}

type AttributeLimits = ConfigurationModel['attribute_limits'];

function attributeLimitsOf(own: AttributeLimits, all: AttributeLimits) {
  return withoutUndefined({
    attributeValueLengthLimit: given(own?.attribute_value_length_limit ?? all?.attribute_value_length_limit),
    attributeCountLimit: given(own?.attribute_count_limit ?? all?.attribute_count_limit),
  });
}

function spanLimitsOf(own: TracerNode['limits'], all: AttributeLimits): SpanLimits {
  return withoutUndefined({
    ...attributeLimitsOf(own, all),
    eventCountLimit: given(own?.event_count_limit),
    linkCountLimit: given(own?.link_count_limit),
    attributePerEventCountLimit: given(own?.event_attribute_count_limit),
    attributePerLinkCountLimit: given(own?.link_attribute_count_limit),
  });
}

function propagatorsOf(
  node: ConfigurationModel['propagator'],
  configuration: Package,
  onIgnored: OnIgnored,
): TextMapPropagator[] {
  if (node === undefined) return [];
  const core = needed<Core>('@opentelemetry/core', 'the propagators of OTEL_CONFIG_FILE');
  const merged = configuration.mergePropagatorCompositeConfig(node.composite, node.composite_list) ?? [];
  const names = merged.map((each) => Object.keys(each)[0] ?? '');
  return names.flatMap((name) => {
    if (name === 'tracecontext') return [new core.W3CTraceContextPropagator()];
    if (name === 'baggage') return [new core.W3CBaggagePropagator()];
    const b3 = name === 'b3' || name === 'b3multi' ? b3Propagator(name) : undefined;
    if (b3 === undefined && name !== 'none') onIgnored(`propagator.composite.${name}`, 'there is no such propagator');
    return b3 ?? [];
  });
}

function b3Propagator(name: 'b3' | 'b3multi'): TextMapPropagator | undefined {
  const b3 = installed<typeof import('@opentelemetry/propagator-b3')>('@opentelemetry/propagator-b3');
  if (b3 === undefined) return undefined;
  return new b3.B3Propagator(name === 'b3' ? {} : { injectEncoding: b3.B3InjectEncoding.MULTI_HEADER });
}
