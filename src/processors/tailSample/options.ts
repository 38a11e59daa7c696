import { type Rules, whole } from '../../internal/validation.ts';
import type { SamplingPolicy } from '../../strategies/samplingPolicy.ts';
import {
  TRACE_HOLDING_DEFAULTS,
  TRACE_HOLDING_RULES,
  type TraceHoldingOptions,
  type TraceHoldingSettings,
} from '../shared/traceOptions.ts';
import { somePolicies } from './policyRules.ts';

/** The options of {@link tailSample}. */
export interface TailSampleOptions extends TraceHoldingOptions {
  /** What is kept: a trace that one of these policies keeps. One or more, asked in order. */
  policies: readonly SamplingPolicy[];
  /** Decisions that are remembered for spans that come later: 1 or more, default 100,000. Beyond that the oldest is forgotten, and late spans of its trace are decided as a trace of their own. */
  maxDecisions?: number;
}

export type TailSampleSettings = TraceHoldingSettings &
  Readonly<Required<Pick<TailSampleOptions, 'policies' | 'maxDecisions'>>>;

export const TAIL_SAMPLE_DEFAULTS: Omit<TailSampleSettings, 'policies'> = Object.freeze({
  ...TRACE_HOLDING_DEFAULTS,
  maxDecisions: 100_000,
});

export const TAIL_SAMPLE_RULES: Rules<TailSampleSettings> = {
  ...TRACE_HOLDING_RULES,
  policies: somePolicies,
  maxDecisions: whole(1),
};
