import { callSite } from '../failures/callSite.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { durationText } from '../failures/text.ts';
import { parseSubscription, type SubscriptionSpan } from '../marbles/syntax.ts';
import { drawBothRows } from './drawnEvents.ts';
import type { Expectation } from './expectation.ts';

/** A log of subscriptions or attempts, and its expected drawings. */
export interface SubscriptionPlan {
  /** `the subscriptions`, `the attempts of the sink scripted`. */
  readonly title: string;
  /** The words for an empty log: `there was no subscription`. */
  readonly none: string;
  readonly log: readonly SubscriptionSpan[];
  /** One drawing for each entry of the log. A drawing without marks stands for no entry. */
  readonly marbles: readonly string[];
  /** The expected letters of each attempt. */
  readonly labels?: readonly string[] | undefined;
  /** The letters of the attempt at this index. */
  readonly labelOf?: (index: number) => string;
}

interface Expected extends SubscriptionSpan {
  readonly marbles: string;
}

/** Compares a log of subscriptions or attempts with drawings. */
export class SubscriptionExpectation implements Expectation {
  readonly #plan: SubscriptionPlan;
  readonly #expected: readonly Expected[];
  readonly #site = callSite();
  #frozen: readonly SubscriptionSpan[] = [];
  #frozenLabels: readonly string[] = [];

  constructor(plan: SubscriptionPlan) {
    this.#plan = plan;
    this.#expected = plan.marbles.flatMap(expectedSpans);
  }

  freeze(): void {
    const { log, labelOf = () => '' } = this.#plan;
    this.#frozen = log.map((span) => ({ ...span }));
    this.#frozenLabels = this.#frozen.map((_, index) => labelOf(index));
  }

  check(): MarbleFailure | undefined {
    for (let index = 0; index < this.#count; index++) {
      const problem = this.#problemAt(index, this.#expected[index], this.#frozen[index]);
      if (problem !== undefined) return new MarbleFailure(`${this.#plan.title} differ\n\n${problem}`, this.#site);
    }
    return undefined;
  }

  /** The number of expected or observed entries, whichever is larger. */
  get #count(): number {
    return Math.max(this.#expected.length, this.#frozen.length);
  }

  #problemAt(index: number, expected?: Expected, observed?: SubscriptionSpan): string | undefined {
    const rows = [rowOf(expected), rowOf(observed)] as const;
    const differs = [0, 1].findIndex((at) => rows[0][at]?.frame !== rows[1][at]?.frame);
    if (differs >= 0) return [...drawBothRows(...rows, differs), '', this.#words(index, expected, observed)].join('\n');
    const [wanted, label] = [this.#plan.labels?.[index], this.#frozenLabels[index] ?? ''];
    if (wanted === undefined || `[${wanted}]` === label) return undefined;
    const words = `number ${index + 1} of ${this.#count}: [${wanted}] was expected, but it was ${label}`;
    return `  ${expected?.marbles.trim()}\n\n${words}`;
  }

  #words(index: number, expected?: SubscriptionSpan, observed?: SubscriptionSpan): string {
    const [wanted, came] = [this.#expected.length, this.#frozen.length];
    if (came === 0 && expected !== undefined) {
      const first = `from ${durationText(expected.subscribedFrame)}`;
      return `${this.#plan.none}, but ${wanted === 1 ? 'one was expected' : `${wanted} were expected, the first`} ${first}`;
    }
    if (wanted === 0 && observed !== undefined) {
      const first = `began at ${durationText(observed.subscribedFrame)}`;
      return `none was expected, but ${came === 1 ? 'one' : `there were ${came}, and the first`} ${first}`;
    }
    const label = this.#frozenLabels[index] ?? '';
    return `number ${index + 1} of ${this.#count}${label === '' ? '' : ` ${label}`}: ${mismatchWords(expected, observed)}`;
  }
}

function expectedSpans(marbles: string): Expected[] {
  const span = parseSubscription(marbles);
  if (Number.isFinite(span.subscribedFrame)) return [{ ...span, marbles }];
  if (!Number.isFinite(span.unsubscribedFrame)) return [];
  throw new MarbleFailure(`'${marbles.trim()}' ends what never began: draw a ^ where it is subscribed`);
}

function rowOf(span: SubscriptionSpan | undefined): { frame: number; text: string }[] {
  if (span === undefined) return [];
  const marks = [
    { frame: span.subscribedFrame, text: '^' },
    { frame: span.unsubscribedFrame, text: '!' },
  ];
  return marks.filter(({ frame }) => Number.isFinite(frame));
}

function mismatchWords(expected: SubscriptionSpan | undefined, observed: SubscriptionSpan | undefined): string {
  if (expected === undefined)
    return `none was expected, but one began at ${durationText(observed?.subscribedFrame ?? 0)}`;
  if (observed === undefined) return `expected from ${durationText(expected.subscribedFrame)}, but it never began`;
  if (expected.subscribedFrame !== observed.subscribedFrame) {
    return `expected from ${durationText(expected.subscribedFrame)}, but it began at ${durationText(observed.subscribedFrame)}`;
  }
  return `expected to ${endWords(expected.unsubscribedFrame)}, but it ${observed.unsubscribedFrame === Number.POSITIVE_INFINITY ? 'never ended' : `ended at ${durationText(observed.unsubscribedFrame)}`}`;
}

function endWords(frame: number): string {
  return Number.isFinite(frame) ? `end at ${durationText(frame)}` : 'stay open';
}
