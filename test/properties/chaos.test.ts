import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { ChaosRun } from './chaosRun.ts';
import { CHAOS_WIRINGS } from './chaosWirings.ts';
import { type ChaosBackend, chaos } from './chaosWorld.ts';
import type { Item } from './world.ts';

const RUNS = randomRuns(250);

function idsOf({ batch }: Outcome<Item>): number[] {
  return (batch as { items: readonly Item[] }).items.map(({ id }) => id);
}

/** What the outcomes say about items that have arrived more than once in one place, which may be several backends. */
function checkDuplicates(place: readonly ChaosBackend[], outcomes: readonly Outcome<Item>[]): void {
  const arrivals = (id: number) => place.reduce((sum, backend) => sum + (backend.arrivals.get(id) ?? 0), 0);
  const unanswered = new Set(place.flatMap((backend) => [...backend.unanswered]));
  for (const outcome of outcomes) {
    const twice = idsOf(outcome).filter((id) => arrivals(id) > 1);
    for (const id of twice) expect(unanswered, `item ${id} came twice for no reason`).toContain(id);
    const unconfirmed = outcome.lost.filter(({ reason }) => reason === 'unconfirmed');
    const told = (outcome.possibleDuplicates ?? 0) + unconfirmed.reduce((sum, { count }) => sum + count, 0);
    expect(told, 'duplicates are counted').toBeGreaterThanOrEqual(twice.length);
  }
}

function checkDelivered(backends: readonly ChaosBackend[], outcomes: readonly Outcome<Item>[]): void {
  for (const outcome of outcomes) {
    const ids = idsOf(outcome);
    const lost = outcome.lost.reduce((sum, { count }) => sum + count, 0);
    expect(outcome.delivered + outcome.rejected + lost, 'a tally adds up to its batch').toBe(ids.length);
    const arrived = ids.filter((id) => backends.some((backend) => backend.arrivals.has(id))).length;
    expect(arrived, 'what counts as delivered has arrived').toBeGreaterThanOrEqual(outcome.delivered);
  }
}

describe('conservation under chaos', () => {
  for (const [name, wiring] of Object.entries(CHAOS_WIRINGS)) {
    test(`${name}: every span has one outcome, and is sent twice only after an attempt whose outcome is unknown`, async () => {
      await fc.assert(
        fc.asyncProperty(chaos, async (schedule) => {
          const ended = await new ChaosRun(schedule, wiring).play();
          const { pipeline, backends, copies, backup, outcomes, violations, offered, isClosed } = ended;
          if (violations.length > 0) throw violations[0];
          const stats = pipeline.stats();
          expect(stats.offered, 'everything was offered').toBe(offered);
          expect(stats.pending, 'nothing is pending at the end').toBe(0);
          for (const { running } of [...backends, copies]) expect(running, 'nothing runs at the end').toBe(0);
          expect(backup?.pending ?? 0, 'no copy is pending at the end').toBe(0);
          expect(Math.max(1, ...copies.arrivals.values()), 'a copy is sent once').toBe(1);
          const isRouted = outcomes.some(({ route }) => route !== undefined);
          const ofRoute = (backend: ChaosBackend) =>
            isRouted ? outcomes.filter(({ route }) => route === backend.name) : outcomes;
          if (isRouted) for (const backend of backends) checkDelivered([backend], ofRoute(backend));
          else checkDelivered(backends, outcomes);
          if (wiring.isOnePlace) checkDuplicates(backends, outcomes);
          else for (const backend of backends) checkDuplicates([backend], ofRoute(backend));
          expect(isClosed, 'the stream ends').toBe(true);
        }),
        RUNS,
      );
    });
  }
});
