import type { Loss } from '../../model/tally.ts';
import { batchItems } from '../marbles/batchItems.ts';
import type { Recording } from '../marbles/recording.ts';
import type { Attempt } from '../marbles/scriptedSinkApi.ts';
import type { Fate, LettersByFate } from './ledgerExpectation.ts';
import { isOutcome, soleFate } from './outcomeValues.ts';

type LettersOf = (items: readonly unknown[]) => string;

/** One call of the kit's `onLoss`. */
export interface ReportedLoss {
  readonly loss: Loss;
  readonly items: readonly unknown[];
}

/** The records of a run that show which items met which fate. */
export interface RunRecords {
  readonly attempts: () => readonly Attempt<unknown>[];
  readonly losses: readonly ReportedLoss[];
  readonly recordings: readonly Recording[];
}

/** Looks up the letters that met a fate: one answer from the sinks, one from `onLoss`, and one from each recording. */
export function lettersByFate(records: RunRecords, lettersOf: LettersOf): LettersByFate {
  return (fate) => [
    bySinks(records, lettersOf, fate),
    byOnLoss(records, lettersOf, fate),
    ...byRecordings(records, lettersOf, fate),
  ];
}

/** A sink does not report which items it rejects. If it rejected some, it shows more letters than were delivered, and its answer is ignored. */
function bySinks({ attempts }: RunRecords, lettersOf: LettersOf, fate: Fate): string {
  if (fate !== 'delivered') return '';
  const answered = attempts().filter(({ response }) => response !== undefined);
  return answered.map(({ batch }) => lettersOf(batch.items)).join('');
}

function byOnLoss({ losses }: RunRecords, lettersOf: LettersOf, fate: Fate): string {
  const matching = losses.filter(({ loss }) => fate === `lost ${loss.reason}` || fate === `refused ${loss.reason}`);
  return matching.map(({ items }) => lettersOf(items)).join('');
}

function byRecordings({ recordings }: RunRecords, lettersOf: LettersOf, fate: Fate): string[] {
  return recordings.map(({ events }) => {
    const values = events.flatMap((event) => (event.kind === 'next' ? [event.value] : []));
    if (fate === 'handedOn') return values.map((value) => lettersOf(batchItems(value) ?? [])).join('');
    const outcomes = values.filter(isOutcome).filter((outcome) => {
      const sole = soleFate(outcome);
      return fate === sole || fate === `lost ${sole}` || fate === `refused ${sole}`;
    });
    return outcomes.map(({ batch }) => lettersOf(batchItems(batch) ?? [])).join('');
  });
}
