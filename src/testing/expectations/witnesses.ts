import type { Loss } from '../../model/tally.ts';
import { itemsOf, type Recording } from '../marbles/recording.ts';
import type { Attempt } from '../marbles/scriptedSinkApi.ts';
import type { Fate, Witnesses } from './ledgerExpectation.ts';
import { isOutcome, soleFate } from './outcomeValues.ts';

type Draw = (items: readonly unknown[]) => string;

/** What `onLoss` of the kit was told. */
export interface ToldLoss {
  readonly loss: Loss;
  readonly items: readonly unknown[];
}

/** Who in a run has seen items meet their fates: the scripted sinks, `onLoss`, and whatever outcomes and batches were observed. */
export interface Seen {
  readonly attempts: () => readonly Attempt<unknown>[];
  readonly told: readonly ToldLoss[];
  readonly recordings: readonly Recording[];
}

/** Looks up which letters met a fate. */
export function witnessesOf(seen: Seen, draw: Draw): Witnesses {
  return (fate) => [bySinks(seen, draw, fate), byOnLoss(seen, draw, fate), ...byRecordings(seen, draw, fate)];
}

/** A sink does not say which items it rejects. Where it has, it has seen more than the books call delivered, and is not believed. */
function bySinks({ attempts }: Seen, draw: Draw, fate: Fate): string {
  if (fate !== 'delivered') return '';
  const answered = attempts().filter(({ response }) => response !== undefined);
  return answered.map(({ batch }) => draw(batch.items)).join('');
}

function byOnLoss({ told }: Seen, draw: Draw, fate: Fate): string {
  const of = told.filter(({ loss }) => fate === `lost ${loss.reason}` || fate === `refused ${loss.reason}`);
  return of.map(({ items }) => draw(items)).join('');
}

function byRecordings({ recordings }: Seen, draw: Draw, fate: Fate): string[] {
  return recordings.map(({ events }) => {
    const values = events.flatMap((event) => (event.kind === 'next' ? [event.value] : []));
    if (fate === 'handedOn') return values.map((value) => draw(itemsOf(value) ?? [])).join('');
    const outcomes = values.filter(isOutcome).filter((outcome) => {
      const sole = soleFate(outcome);
      return fate === sole || fate === `lost ${sole}` || fate === `refused ${sole}`;
    });
    return outcomes.map(({ batch }) => draw(itemsOf(batch) ?? [])).join('');
  });
}
