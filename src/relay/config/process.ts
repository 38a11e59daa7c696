import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';
import { anArray } from '../../internal/validation.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import { enrich } from '../../processors/enrich.ts';
import type { RedactOptions } from '../../processors/redact/options.ts';
import { redact } from '../../processors/redact/redact.ts';
import { spanMetrics } from '../../processors/spanMetrics/spanMetrics.ts';
import { tailSample } from '../../processors/tailSample/tailSample.ts';
import type { AttributePolicy, SamplingPolicy } from '../../strategies/samplingPolicy.ts';
import { TraceSampler, traceOf } from '../../strategies/traceSampler.ts';
import { SPAN_METRICS_OPTIONS, TAIL_SAMPLE_OPTIONS } from '../options.ts';
import { type Checking, checkedElsewhereAll } from './checking.ts';
import { each, keyOrPattern, patternOf } from './patterns.ts';

type SpanOperator = MonoTypeOperatorFunction<ReadableSpan>;

/** What happens to spans. */
export interface Processing {
  /** Within the batches that came, in this order. */
  readonly inBatches: readonly SpanOperator[];
  readonly metrics: OperatorFunction<ReadableSpan, MetricDataPoint> | undefined;
  readonly sampling: SpanOperator | undefined;
}

/** Operators are made for one composition: what they keep is its own. */
export function processingOf(value: unknown, path: string, checking: Checking): Processing {
  const names = ['redact', 'enrich', 'spanMetrics', 'tailSample'];
  const rules = { drop: anArray, ...checkedElsewhereAll(names) };
  const given = checking.section(path, value, rules);
  const make = <R>(name: string, of: (value: unknown, path: string, checking: Checking) => R | undefined) =>
    given[name] === undefined ? undefined : of(given[name], `${path}.${name}`, checking);
  const operators = [make('drop', dropOf), make('redact', redactOf), make('enrich', enrichOf)];
  return {
    inBatches: operators.filter((operator) => operator !== undefined),
    metrics: make('spanMetrics', metricsOf),
    sampling: make('tailSample', samplingOf),
  };
}

/** Attributes alone decide: of a received span, nothing else is read. */
const { randomness: NO_CHANCE } = traceOf('0'.repeat(32), []);

/** What a policy that keeps by an attribute would keep is what is dropped. */
function dropOf(value: unknown, path: string, checking: Checking): SpanOperator | undefined {
  const policies = each(value, path, (match, at) =>
    policyOf({ ...(match as object), kind: 'attribute' }, at, checking),
  );
  if (!Array.isArray(policies) || policies.length === 0) return undefined;
  // It checks the policies: nothing but the names of a match is known to it.
  const isValid = checking.attempt(path, 'tailSample.policies', () => tailSample({ policies }) !== undefined);
  if (!isValid) return undefined;
  const sampler = new TraceSampler(policies as readonly AttributePolicy[]);
  const isKept = (span: ReadableSpan) => sampler.decide({ spans: [span], randomness: NO_CHANCE }, 0);
  return filter((span) => isKept(span).judgement === undefined);
}

function redactOf(value: unknown, path: string, checking: Checking): SpanOperator | undefined {
  const given = checking.section(path, value, checkedElsewhereAll(['keys', 'patterns', 'replacement', 'hash']));
  const options = {
    ...given,
    keys: each(given.keys, `${path}.keys`, (key, at) => keyOrPattern(key, at, checking)),
    patterns: each(given.patterns, `${path}.patterns`, (pattern, at) => patternOf(pattern, at, checking)),
  };
  return checking.attempt(path, 'redact', () => redact(options as RedactOptions));
}

function enrichOf(value: unknown, path: string, checking: Checking): SpanOperator | undefined {
  if (typeof value === 'function') checking.add(path, 'an object of attributes', value);
  return checking.attempt(path, 'enrich.attributes', () => enrich(value as object as Record<string, string>));
}

function metricsOf(value: unknown, path: string, checking: Checking): Processing['metrics'] {
  const given = checking.section(path, value, checkedElsewhereAll(SPAN_METRICS_OPTIONS));
  return checking.attempt(path, 'spanMetrics', () => spanMetrics(given));
}

function samplingOf(value: unknown, path: string, checking: Checking): SpanOperator | undefined {
  const names = [...TAIL_SAMPLE_OPTIONS, 'policies'];
  const given = checking.section(path, value, checkedElsewhereAll(names));
  const policies = each(given.policies, `${path}.policies`, (policy, at) => policyOf(policy, at, checking));
  const options = { ...given, policies: policies as readonly SamplingPolicy[] };
  return checking.attempt(path, 'tailSample', () => tailSample(options));
}

/** A policy whose patterns, and those of the policies inside of it, may be texts. */
function policyOf(value: unknown, path: string, checking: Checking): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { pattern, policies, policy, shares } = value as Record<string, unknown>;
  const inside = (one: unknown, at: string) => policyOf(one, at, checking);
  return {
    ...value,
    ...(pattern !== undefined && { pattern: patternOf(pattern, `${path}.pattern`, checking) }),
    ...(policies !== undefined && { policies: each(policies, `${path}.policies`, inside) }),
    ...(policy !== undefined && { policy: inside(policy, `${path}.policy`) }),
    ...(shares !== undefined && {
      shares: each(shares, `${path}.shares`, (share, at) => shareOf(share, at, checking)),
    }),
  };
}

function shareOf(value: unknown, path: string, checking: Checking): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return { ...value, policy: policyOf((value as { policy?: unknown }).policy, `${path}.policy`, checking) };
}
