import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  type Digits56,
  explicitRandomness,
  isSampled,
  KEEP_ALL,
  randomnessOf,
  thresholdOf,
} from './consistentSampling.ts';
import type { AttributePolicy, SamplingPolicy, SharesPolicy, SlowPolicy } from './samplingPolicy.ts';
import { attributeOrResources, isFailed, isRoot, millisOf, traceMillis } from './spanFacts.ts';
import { TokenBucket } from './tokenBucket.ts';

/** A trace, or what has come of it. */
export interface SampledTrace {
  readonly spans: readonly ReadableSpan[];
  readonly randomness: Digits56;
}

/** Why a trace is kept: the threshold at which it is. `unknown`: by something that has no probability, a rate for example. `undefined`: it is not kept. */
export type Judgement = Digits56 | 'unknown' | undefined;

/** What becomes of a trace. */
export interface Verdict {
  readonly judgement: Judgement;
  /** The first policy that has kept it. */
  readonly policy: string | undefined;
}

/** A policy at work. */
interface Judge {
  /** Whether only the spans decide, and neither chance nor a rate. */
  readonly isCertain: boolean;
  /** Whether it spends from a rate when it keeps a trace. */
  readonly spends: boolean;
  judge(trace: SampledTrace, nowMillis: number): Judgement;
}

/** The trace of these spans. An explicit randomness, which a `tracestate` carries, goes before that of the trace's id. */
export function traceOf(traceId: string, spans: readonly ReadableSpan[]): SampledTrace {
  for (const span of spans) {
    const explicit = explicitRandomness(span.spanContext().traceState?.get('ot'));
    if (explicit !== undefined) return { spans, randomness: explicit };
  }
  return { spans, randomness: randomnessOf(traceId) };
}

/** Decides which traces are kept: those that one of the policies keeps. It holds the token buckets of its policies, and reads no clock. */
export class TraceSampler {
  readonly #judges: readonly (Judge & { readonly name: string })[];

  constructor(policies: readonly SamplingPolicy[]) {
    const names = namesOf(policies);
    this.#judges = policies.map((policy, index) => ({ ...judgeOf(policy), name: names[index] as string }));
  }

  /**
   * The first policy that keeps the trace is the one that has kept it. Those behind it may still say that it was more likely to be kept: where any of them is certain to keep it, it does not matter that a
   * probabilistic one did, too.
   */
  decide(trace: SampledTrace, nowMillis: number): Verdict {
    let policy: string | undefined;
    const judgement = mostLikely(this.#judges, trace, nowMillis, (judge) => {
      policy ??= judge.name;
    });
    return { judgement, policy };
  }
}

/** The names of policies, each once: the second one of a name gets a number. */
export function namesOf(policies: readonly SamplingPolicy[]): string[] {
  const seen = new Map<string, number>();
  return policies.map(({ kind, name = kind }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}#${times}`;
  });
}

function judgeOf(policy: SamplingPolicy): Judge {
  switch (policy.kind) {
    case 'errors':
      return certain(({ spans }) => spans.some(isFailed));
    case 'slow':
      return certain(isSlow(policy));
    case 'attribute':
      return certain(hasAttribute(policy));
    case 'probabilistic':
      return probabilistic(policy.ratio);
    case 'rateLimited':
      return rateLimited(policy);
    case 'all':
      return all(policy.policies.map(judgeOf));
    case 'any':
      return any(policy.policies.map(judgeOf));
    case 'not':
      return not(judgeOf(policy.policy));
    case 'shares':
      return any(policy.shares.map((share) => withinShare(policy, share)));
  }
}

function certain(isKept: (trace: SampledTrace) => boolean): Judge {
  return { isCertain: true, spends: false, judge: (trace) => (isKept(trace) ? KEEP_ALL : undefined) };
}

function isSlow({ overMillis, of = 'trace' }: SlowPolicy): (trace: SampledTrace) => boolean {
  if (of === 'trace') return ({ spans }) => traceMillis(spans) > overMillis;
  return ({ spans }) => spans.some((span) => isRoot(span) && millisOf(span.duration) > overMillis);
}

function hasAttribute({ key, values, pattern, min, max }: AttributePolicy): (trace: SampledTrace) => boolean {
  const isAny = [values, pattern, min, max].every((condition) => condition === undefined);
  // One that is global, or sticky, remembers where it stopped.
  const text = pattern && new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  const matches = (value: unknown): boolean => {
    if (isAny) return value !== undefined && value !== null;
    if (values?.includes(value as string)) return true;
    if (typeof value === 'string') return text?.test(value) === true;
    if (typeof value !== 'number' || (min === undefined && max === undefined)) return false;
    return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
  };
  return ({ spans }) => spans.some((span) => matches(attributeOrResources(span, key)));
}

function probabilistic(ratio: number): Judge {
  const threshold = thresholdOf(ratio);
  const judge = ({ randomness }: SampledTrace) => (isSampled(randomness, threshold) ? threshold : undefined);
  return { isCertain: false, spends: false, judge };
}

interface TraceRate {
  readonly tracesPerSecond?: number | undefined;
  readonly spansPerSecond?: number | undefined;
  readonly burst?: number | undefined;
}

function rateLimited({ tracesPerSecond, spansPerSecond = 0, burst }: TraceRate): Judge {
  const perSecond = tracesPerSecond ?? spansPerSecond;
  const bucket = new TokenBucket(burst ?? Math.max(1, perSecond), perSecond);
  const judge = ({ spans }: SampledTrace, nowMillis: number) => {
    const tokens = tracesPerSecond === undefined ? spans.length : 1;
    if (!bucket.has(tokens, nowMillis)) return undefined;
    bucket.take(tokens, nowMillis);
    return 'unknown';
  };
  return { isCertain: false, spends: true, judge };
}

function all(judges: readonly Judge[]): Judge {
  // Those that spend come last, so that nothing is spent on a trace that another one does not keep.
  const inOrder = judges.toSorted((one, other) => Number(one.spends) - Number(other.spends));
  const judge = (trace: SampledTrace, nowMillis: number) => {
    let judgement: Judgement = KEEP_ALL;
    for (const each of inOrder) {
      judgement = lessLikely(judgement, each.judge(trace, nowMillis));
      if (judgement === undefined) return undefined;
    }
    return judgement;
  };
  return { ...traitsOf(judges), judge };
}

function any(judges: readonly Judge[]): Judge {
  return { ...traitsOf(judges), judge: (trace, nowMillis) => mostLikely(judges, trace, nowMillis) };
}

/** What is left over by chance, or by a rate, has no threshold. */
function not({ isCertain, spends, judge }: Judge): Judge {
  const left = isCertain ? KEEP_ALL : 'unknown';
  return {
    isCertain,
    spends,
    judge: (trace, nowMillis) => (judge(trace, nowMillis) === undefined ? left : undefined),
  };
}

function withinShare(
  { tracesPerSecond, spansPerSecond }: SharesPolicy,
  { policy, ratio }: SharesPolicy['shares'][number],
): Judge {
  const shareOf = (rate: number | undefined) => (rate === undefined ? undefined : rate * ratio);
  const rate = { tracesPerSecond: shareOf(tracesPerSecond), spansPerSecond: shareOf(spansPerSecond) };
  return all([judgeOf(policy), rateLimited(rate)]);
}

function traitsOf(judges: readonly Judge[]): Pick<Judge, 'isCertain' | 'spends'> {
  return { isCertain: judges.every((judge) => judge.isCertain), spends: judges.some((judge) => judge.spends) };
}

/** Asks in order. One that spends is not asked where another one has kept the trace; nobody is, once it is certain. */
function mostLikely<J extends Judge>(
  judges: readonly J[],
  trace: SampledTrace,
  nowMillis: number,
  onKept: (judge: J) => void = () => {},
): Judgement {
  let judgement: Judgement;
  for (const each of judges) {
    if (judgement === KEEP_ALL) break;
    if (judgement !== undefined && each.spends) continue;
    const own = each.judge(trace, nowMillis);
    if (own === undefined) continue;
    onKept(each);
    judgement = judgement === undefined ? own : moreLikely(judgement, own);
  }
  return judgement;
}

/** Of two reasons to keep a trace, the one that keeps more: the lower threshold. */
function moreLikely(one: Digits56 | 'unknown', other: Digits56 | 'unknown'): Digits56 | 'unknown' {
  if (one === 'unknown') return other;
  return other === 'unknown' || one < other ? one : other;
}

/** Of two that both have to hold, the one that keeps less. */
function lessLikely(one: Judgement, other: Judgement): Judgement {
  if (one === undefined || other === undefined) return undefined;
  if (one === 'unknown' || other === 'unknown') return 'unknown';
  return one > other ? one : other;
}
