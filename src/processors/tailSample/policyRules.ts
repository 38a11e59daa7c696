import {
  anArray,
  aString,
  type Mistakes,
  must,
  numberFrom,
  oneOf,
  optional,
  type Rule,
} from '../../internal/validation.ts';
import { MIN_RATIO } from '../../strategies/consistentSampling.ts';
import type { SamplingPolicy } from '../../strategies/samplingPolicy.ts';

const aPattern = must('a regular expression', (value) => value instanceof RegExp);
const aRate = must('a number above 0', isAboveZero);
const aRatio = must('a number above 0, up to 1', (value) => isAboveZero(value) && (value as number) <= 1);
const someValues = must('an array of strings, numbers and booleans', (values) => {
  return Array.isArray(values) && values.every((value) => ['string', 'number', 'boolean'].includes(typeof value));
});

function isAboveZero(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) > 0;
}

const ofPolicy = {
  kind: aString,
  name: optional(must('a string that is not empty', (name) => typeof name === 'string' && name !== '')),
};
const ofRate = { tracesPerSecond: optional(aRate), spansPerSecond: optional(aRate) };

/** The fields of each kind of policy. */
const KINDS: Readonly<Record<SamplingPolicy['kind'], Readonly<Record<string, Rule>>>> = {
  errors: ofPolicy,
  slow: { ...ofPolicy, overMillis: numberFrom(0, Number.MAX_SAFE_INTEGER), of: optional(oneOf('trace', 'root')) },
  attribute: {
    ...ofPolicy,
    key: aString,
    values: optional(someValues),
    pattern: optional(aPattern),
    min: optional(numberFrom(Number.NEGATIVE_INFINITY, Number.MAX_VALUE)),
    max: optional(numberFrom(Number.NEGATIVE_INFINITY, Number.MAX_VALUE)),
  },
  probabilistic: { ...ofPolicy, ratio: numberFrom(MIN_RATIO, 1) },
  rateLimited: { ...ofPolicy, ...ofRate, burst: optional(numberFrom(1, Number.MAX_SAFE_INTEGER)) },
  all: { ...ofPolicy, policies: somePoliciesLater },
  any: { ...ofPolicy, policies: somePoliciesLater },
  not: { ...ofPolicy, policy: aPolicy },
  shares: { ...ofPolicy, ...ofRate, shares: someShares },
};

/** A circle of policies would never end. */
const MAX_DEPTH = 16;

/** An array of policies that is not empty. */
export const somePolicies: Rule = (value, option, call) => checkPolicies(value, option, call);

function checkPolicies(value: unknown, option: string, call: Mistakes): void {
  if (!Array.isArray(value) || value.length === 0) call.add(option, 'an array of one or more policies', value);
  else for (const [index, policy] of value.entries()) aPolicy(policy, `${option}[${index}]`, call);
}

/** A function declaration, because policies contain policies. */
function somePoliciesLater(value: unknown, option: string, call: Mistakes): void {
  checkPolicies(value, option, call);
}

function aPolicy(value: unknown, option: string, call: Mistakes): void {
  const policy = value as Partial<SamplingPolicy> | null;
  if (typeof policy !== 'object' || policy === null) call.add(option, 'a policy: an object with a kind', value);
  else if (!Object.hasOwn(KINDS, policy.kind ?? '')) oneOf(...Object.keys(KINDS))(policy.kind, `${option}.kind`, call);
  else if (depthOf(option) > MAX_DEPTH) call.add(option, `no policy deeper than ${MAX_DEPTH} others`, policy.kind);
  else {
    call.checkRecord(option, KINDS[policy.kind as SamplingPolicy['kind']], policy);
    if (policy.kind === 'rateLimited' || policy.kind === 'shares') checkRates(policy, option, call);
  }
}

/** How many policies it is within: each is a step of the option's name. */
function depthOf(option: string): number {
  return option.split('polic').length - 1;
}

function checkRates(
  policy: Partial<Record<'tracesPerSecond' | 'spansPerSecond', number>>,
  option: string,
  call: Mistakes,
): void {
  const given = [policy.tracesPerSecond, policy.spansPerSecond].filter((rate) => rate !== undefined);
  if (given.length !== 1) call.add(option, 'given tracesPerSecond or spansPerSecond, one of both', given);
}

const SHARE_RULES = { policy: aPolicy, ratio: aRatio };

function someShares(value: unknown, option: string, call: Mistakes): void {
  anArray(value, option, call);
  if (!Array.isArray(value)) return;
  if (value.length === 0) call.add(option, 'an array of one or more shares', value);
  let sum = 0;
  for (const [index, share] of value.entries()) {
    if (typeof share !== 'object' || share === null) call.add(`${option}[${index}]`, 'an object', share);
    else call.checkRecord(`${option}[${index}]`, SHARE_RULES, share);
    sum += Number((share as { readonly ratio?: number } | null)?.ratio) || 0;
  }
  if (sum > 1 + 1e-9) call.add(option, 'shares whose ratios add up to 1 or less', sum);
}
