// How long an export may take.

import { type Arrival, SILENCE, transient } from '../server/script.ts';
import { itemsOf } from '../subjects/items.ts';
import type { Workbench } from '../workbench.ts';

/** C24 */
export async function timeouts(bench: Workbench): Promise<void> {
  await Promise.all([slowAnswer(bench), wholeExport(bench)]);
}

/** Each byte comes in time, the answer does not. */
async function slowAnswer(bench: Workbench): Promise<void> {
  const { timeoutMillis } = bench.subject;
  const step = timeoutMillis / 5;
  const settings = { timeoutMillis, maxElapsedMillis: timeoutMillis };
  const { client, server } = await bench.pair(
    () => ({ as: 'drip', pieces: 20, wait: () => client.pass(step) }),
    settings,
  );
  const { elapsedMillis, delivered } = await client.export(itemsOf(1));
  const isInTime = elapsedMillis <= slackOf(bench) * timeoutMillis;
  const outcome = delivered === 1 ? ', and counted as delivered' : '';
  bench.expect(
    isInTime,
    `an answer of a byte at a time took ${Math.round(elapsedMillis)} ms with a timeout of ${timeoutMillis} ms${outcome}`,
  );
  if (isInTime) await server.until(() => server.arrivals.every(({ isGivenUp }) => isGivenUp));
}

/** Refused at first, and then never answered. */
async function wholeExport(bench: Workbench): Promise<void> {
  const { protocol, lacks } = bench.subject;
  // What is no other setting is the timeout itself, which leaves time for a retry after a second.
  const wholeMillis = lacks.has('maxElapsedMillis') ? 1_300 : 2_000;
  const attemptMillis = lacks.has('maxElapsedMillis') ? wholeMillis : 1_000;
  const settings = { timeoutMillis: attemptMillis, maxElapsedMillis: wholeMillis };
  const passWhileOpen = async (arrival: Arrival) => {
    for (let step = 0; step < 20 && !arrival.isGivenUp; step++) await client.pass(attemptMillis / 2);
  };
  const script = (arrival: Arrival) => {
    if (arrival.index === 0) return transient(protocol);
    setImmediate(() => void passWhileOpen(arrival));
    return SILENCE;
  };
  const { client, server } = await bench.pair(script, settings);
  const { elapsedMillis, delivered } = await client.export(itemsOf(1));
  bench.expect(delivered === 0, 'delivered, without an answer');
  bench.expect(
    elapsedMillis <= slackOf(bench) * wholeMillis,
    `an export with a retry took ${Math.round(elapsedMillis)} ms with a limit of ${wholeMillis} ms`,
  );
  await server.until(() => server.open === 0);
}

/** Virtual time is exact. In real time a limit is kept if nothing takes longer than half as long again: a slow machine is nobody's fault. */
function slackOf({ subject }: Workbench): number {
  return subject.lacks.has('holdsWaits') ? 1.5 : 1;
}
