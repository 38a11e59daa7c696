import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { changedSpan } from '../../model/changedSpan.ts';
import { type Digits56, KEEP_ALL, randomnessOf, sampledEntry } from '../../strategies/consistentSampling.ts';
import { TraceSampler, traceOf } from '../../strategies/traceSampler.ts';
import type { OpenTrace } from '../shared/openTraces.ts';
import type { Outflow } from '../shared/outflow.ts';
import type { TraceClosing, TracePlan } from '../shared/traceHolding.ts';
import { withEntry } from '../shared/traceState.ts';
import { type Decision, Decisions } from './decisions.ts';
import type { TailSampleSettings } from './options.ts';

/** Decides the traces of one subscription, and lets late spans follow. */
export class Sampling implements TracePlan<ReadableSpan> {
  readonly #settings: TailSampleSettings;
  readonly #reporter: StageReporter<ReadableSpan>;
  readonly #sampler: TraceSampler;
  readonly #decisions: Decisions;

  constructor(settings: TailSampleSettings, reporter: StageReporter<ReadableSpan>) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#sampler = new TraceSampler(settings.policies);
    this.#decisions = new Decisions(settings.maxDecisions);
  }

  intercept(span: ReadableSpan, traceId: string, out: Outflow<ReadableSpan>): boolean {
    const decision = this.#decisions.get(traceId);
    if (decision === undefined) return false;
    this.#reporter.account.figure(decision.judgement === undefined ? 'late.dropped' : 'late.kept', 1);
    this.#follow(decision, [span], out);
    return true;
  }

  close({ traceId, spans }: OpenTrace, _because: TraceClosing, out: Outflow<ReadableSpan>): void {
    const decision = this.#decide(traceId, spans);
    this.#decisions.remember(traceId, decision);
    this.#follow(decision, spans, out);
  }

  spansIn(span: ReadableSpan): readonly ReadableSpan[] {
    return [span];
  }

  /** A span that cannot be read is no reason to lose its trace. */
  #decide(traceId: string, spans: readonly ReadableSpan[]): Decision {
    try {
      const trace = traceOf(traceId, spans);
      const { judgement, policy } = this.#sampler.decide(trace, this.#settings.scheduler.now());
      return judgement === undefined ? DROPPED : { judgement, policy, randomness: trace.randomness };
    } catch (thrown) {
      this.#reporter.callbackFailed(thrown);
      return { judgement: KEEP_ALL, policy: 'undecided', randomness: randomnessOf(traceId) };
    }
  }

  #follow(decision: Decision, spans: readonly ReadableSpan[], out: Outflow<ReadableSpan>): void {
    const { account } = this.#reporter;
    const { judgement, policy, randomness } = decision;
    if (judgement === undefined) {
      account.remove(spans.length);
      return;
    }
    account.figure(`kept.${policy}`, spans.length);
    for (const span of spans) out.push(judgement === KEEP_ALL ? span : stamped(span, randomness, judgement));
  }
}

const DROPPED: Decision = Object.freeze({ judgement: undefined, policy: undefined, randomness: KEEP_ALL });

/** The span with the threshold at which its trace was kept. The same one if that changes nothing. */
function stamped(span: ReadableSpan, randomness: Digits56, threshold: Digits56 | 'unknown'): ReadableSpan {
  const context = span.spanContext();
  const before = context.traceState?.get('ot');
  const entry = sampledEntry(before, randomness, threshold);
  if (entry === before) return span;
  return changedSpan(span, { context: { ...context, traceState: withEntry(context.traceState, entry) } });
}
