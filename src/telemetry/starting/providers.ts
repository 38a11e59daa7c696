import type { TextMapPropagator } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { LogRecordLimits } from '@opentelemetry/sdk-logs';
import type { Sampler, SpanLimits } from '@opentelemetry/sdk-trace';
import { warn } from '../../internal/tracingSuppression.ts';
import { withoutUndefined } from '../../internal/validation.ts';
import { installed } from '../../peers/installed.ts';
import type { TelemetrySdk } from '../parts.ts';

type Api = typeof import('@opentelemetry/api');

/** What the providers are made of, besides their pipelines. What is left out is the SDK's default. */
export interface ProviderPlan {
  readonly resource?: Resource | undefined;
  readonly sampler?: Sampler | undefined;
  readonly spanLimits?: SpanLimits | undefined;
  readonly logRecordLimits?: LogRecordLimits | undefined;
  readonly propagators?: readonly TextMapPropagator[] | undefined;
}

/** Makes a provider of each SDK that is installed, and registers it, as `NodeSDK` would. Signals without an SDK are warned about. */
export function registerProviders(api: Api, sdk: TelemetrySdk, plan: ProviderPlan): void {
  const missing = [
    ...(registerContext(api, plan.propagators ?? []) ? [] : ['@opentelemetry/context-async-hooks']),
    ...(registerTracer(api, sdk, plan) ? [] : ['@opentelemetry/sdk-trace']),
    ...(registerLogger(api, sdk, plan) ? [] : ['@opentelemetry/sdk-logs']),
    ...(registerMeter(api, sdk, plan) ? [] : ['@opentelemetry/sdk-metrics']),
  ];
  if (missing.length === 0) return;
  warn(
    `spanflow/register: not installed, and so not set up: ${missing.join(', ')}; to have all: npm install @opentelemetry/sdk-node`,
  );
}

function registerContext({ context, propagation }: Api, propagators: readonly TextMapPropagator[]): boolean {
  const core = installed<typeof import('@opentelemetry/core')>('@opentelemetry/core');
  if (core !== undefined && propagators.length > 0)
    propagation.setGlobalPropagator(new core.CompositePropagator({ propagators: [...propagators] }));
  const hooks = installed<typeof import('@opentelemetry/context-async-hooks')>('@opentelemetry/context-async-hooks');
  if (hooks === undefined) return false;
  context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  return true;
}

function registerTracer({ trace }: Api, { spanProcessors = [] }: TelemetrySdk, plan: ProviderPlan): boolean {
  if (spanProcessors.length === 0) return true;
  const sdk = installed<typeof import('@opentelemetry/sdk-trace')>('@opentelemetry/sdk-trace');
  if (sdk === undefined) return false;
  const { resource, sampler, spanLimits } = plan;
  trace.setGlobalTracerProvider(
    new sdk.TracerProvider(withoutUndefined({ spanProcessors, resource, sampler, spanLimits }) as never),
  );
  return true;
}

function registerLogger({ logs }: Api, { logRecordProcessors = [] }: TelemetrySdk, plan: ProviderPlan): boolean {
  if (logRecordProcessors.length === 0) return true;
  const sdk = installed<typeof import('@opentelemetry/sdk-logs')>('@opentelemetry/sdk-logs');
  if (sdk === undefined || logs === undefined) return false;
  const { resource, logRecordLimits } = plan;
  logs.setGlobalLoggerProvider(
    new sdk.LoggerProvider(withoutUndefined({ processors: logRecordProcessors, resource, logRecordLimits }) as never),
  );
  return true;
}

function registerMeter(
  { metrics }: Api,
  { metricReaders: readers = [] }: TelemetrySdk,
  { resource }: ProviderPlan,
): boolean {
  if (readers.length === 0) return true;
  const sdk = installed<typeof import('@opentelemetry/sdk-metrics')>('@opentelemetry/sdk-metrics');
  if (sdk === undefined) return false;
  metrics.setGlobalMeterProvider(new sdk.MeterProvider(withoutUndefined({ readers, resource })));
  return true;
}
