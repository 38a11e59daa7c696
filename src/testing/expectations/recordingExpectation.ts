import type { Batch, CloseReason } from '../../model/batch.ts';
import { isBatch } from '../../model/batch.ts';
import { callSite } from '../failures/callSite.ts';
import { MarbleFailure } from '../failures/failure.ts';
import { durationText } from '../failures/text.ts';
import { batchItems } from '../marbles/batchItems.ts';
import type { Recording } from '../marbles/recording.ts';
import { markLetters, parseMarbles } from '../marbles/syntax.ts';
import type { ValueTable } from '../marbles/values.ts';
import { firstDifference } from './comparison.ts';
import { drawObservedRow, eventText } from './drawnEvents.ts';
import type { Expectation } from './expectation.ts';
import { explainMismatch } from './mismatch.ts';

/** The drawing of the expected events, and the options of the expectation. */
export interface RecordingPlan {
  readonly marbles: string;
  readonly values: ValueTable;
  readonly error?: { readonly value: unknown };
  readonly closedBy?: readonly CloseReason[];
}

/** Compares a recording with a drawing. Fails without a drawing at the end of the run, because it would assert nothing. */
export class RecordingExpectation implements Expectation {
  readonly #recording: Recording;
  readonly #title: string;
  #site = callSite();
  #plan: RecordingPlan | undefined;

  constructor(recording: Recording, title: string) {
    this.#recording = recording;
    this.#title = title;
  }

  /** Returns the length of the drawing in frames. */
  toBe(plan: RecordingPlan): number {
    if (this.#plan !== undefined) throw new MarbleFailure(`${this.#title} takes one toBe, but got a second`);
    const { marks, frames } = parseMarbles(plan.marbles, 'expected');
    // A letter without a value fails here, where the stack shows the line that drew it.
    for (const letter of marks.flatMap(markLetters)) plan.values.valueOf(letter);
    this.#site = callSite();
    this.#plan = plan;
    return frames;
  }

  freeze(): void {
    this.#recording.freeze();
  }

  check(): MarbleFailure | undefined {
    const plan = this.#plan;
    if (plan === undefined) return new MarbleFailure(`${this.#title} without toBe asserts nothing`, this.#site);
    const expected = parseMarbles(plan.marbles, 'expected').marks;
    const comparison = { ...plan, expected, observed: this.#recording.events };
    const index = firstDifference(comparison);
    if (index !== undefined) {
      const lines = ['the marbles differ', '', explainMismatch(comparison, index), ...this.#lateWords(plan)];
      return new MarbleFailure(lines.join('\n'), this.#site);
    }
    const late = this.#lateWords(plan);
    if (late.length > 0) {
      const { events } = this.#recording;
      const lines = [...drawObservedRow(events, plan.values, events.length - 1), ...late];
      return new MarbleFailure(['something came after the end', '', ...lines].join('\n'), this.#site);
    }
    const problem = this.#closedByProblem(plan);
    return problem === undefined ? undefined : new MarbleFailure(`the close reasons differ\n\n${problem}`, this.#site);
  }

  /** RxJS drops events after the end, so no drawing shows them. */
  #lateWords({ values }: RecordingPlan): string[] {
    const [first, ...more] = this.#recording.late;
    if (first === undefined) return [];
    const rest = more.length > 0 ? `, and ${more.length} more` : '';
    return [
      '',
      `at ${durationText(first.frame)}, after the end: ${eventText(first, values)} came, which RxJS drops${rest}`,
    ];
  }

  #closedByProblem({ closedBy, values }: RecordingPlan): string | undefined {
    if (closedBy === undefined) return undefined;
    const { events } = this.#recording;
    const batches = events.filter((event) => event.kind === 'next');
    const length = Math.max(closedBy.length, batches.length);
    for (let index = 0; index < length; index++) {
      const event = batches[index];
      if (event === undefined) return `there are ${closedBy.length} close reasons for ${batches.length} batches`;
      const [wanted, was] = [closedBy[index] ?? 'nothing', reasonOf(event.value) ?? 'nothing'];
      if (wanted === was) continue;
      const words = `batch ${index + 1} at ${durationText(event.frame)}: expected to be closed by ${wanted}, but it was closed by ${was}`;
      return [...drawObservedRow(events, values, events.indexOf(event)), '', words].join('\n');
    }
    return undefined;
  }
}

function reasonOf(value: unknown): CloseReason | undefined {
  return batchItems(value) !== undefined && isBatch(value as Batch<unknown>)
    ? (value as Batch<unknown>).closedBy
    : undefined;
}
