import { expect } from 'vitest';
import { total } from '../../src/ledger/stageStats.ts';
import { checkBooks } from '../properties/books.ts';
import type { Client, TrialReport } from './client/client.ts';
import { type PipelineReport, TRIAL_DEFAULTS } from './client/trialInput.ts';
import { type Ending, endsOf, type Fault, type Protocol, type Row } from './row.ts';
import { Store } from './store.ts';

/** By which the heap may grow in every round. One pipeline that stays, with its spans, is some 300 KB; each round has at least two. */
const MAX_GROWTH_BYTES = 300_000;

/** Puts a client to a row, and asserts everything that has to hold afterwards. */
export async function tryOut(row: Row, protocol: Protocol, client: Client): Promise<void> {
  const store = new Store();
  const { url, ca, heal } = await (row[protocol] as Fault)(store);
  const input = {
    ...{ ...TRIAL_DEFAULTS, ...row.client, protocol, url, recovers: heal !== undefined },
    ...(ca !== undefined && { ca }),
  };
  const report = await client.trial(input, () => void heal?.());
  expect(report.faults).toEqual([]);
  expect(report.pipelines).toHaveLength(2 * input.pipelines * input.rounds + (input.recovers ? 1 : 0));
  const books = { protocol, spans: input.spans, store };
  for (const pipeline of report.pipelines) checkPipeline(pipeline, row, books);
  const attempts = report.pipelines.reduce((sum, { stats }) => sum + stats.attempts, 0);
  expect(store.requests, 'requests that nobody has counted as an attempt').toBeLessThanOrEqual(attempts);
  checkHeap(report);
}

interface Given {
  readonly protocol: Protocol;
  /** Of each pipeline. */
  readonly spans: number;
  readonly store: Store;
}

function checkPipeline(report: PipelineReport, row: Row, { protocol, spans, store }: Given): void {
  const { name, temper, flush, pendingAfterFlush, stats } = report;
  const message = `${name}: ${JSON.stringify({ ...store.of(name), ...endsIn(report) })}`;
  checkBooks({ stats: () => stats });
  expect({ offered: stats.offered, pending: stats.pending, memoryBytes: stats.memoryBytes }, message).toEqual({
    ...{ offered: spans, pending: 0, memoryBytes: 0 },
  });
  checkStored(report, store, message);

  const ends = endsOf(row, protocol);
  /** It may have been answered in time, or it is late: whether an attempt was under way then is a matter of chance. */
  const inHaste: readonly Ending[] = ['delivered', 'shutdown', 'unconfirmed'];
  const allowed = {
    patient: ends,
    hasty: [...ends, ...inHaste],
    recovering: row.isFinal?.includes(protocol) || ends.includes('permanent') ? [...ends, 'delivered'] : ['delivered'],
  };
  for (const end of Object.keys(endsIn(report))) expect(allowed[temper], message).toContain(end);
  if (temper === 'hasty') expect(['done', 'TIMEOUT', 'FLUSH_TIMEOUT'], message).toContain(flush);
  else expect(flush, message).toBe('done');
  if (flush === 'done') expect(pendingAfterFlush, message).toBe(0);
}

/** The books claim no delivery that has not been, and hide none that may have been. */
function checkStored({ name, stats }: PipelineReport, store: Store, message: string): void {
  const { delivered, rejected, lost, possibleDuplicates } = stats;
  const { spans, distinct, repeated } = store.of(name);
  const unconfirmed = lost.unconfirmed ?? 0;
  expect(delivered, message).toBeLessThanOrEqual(distinct);
  expect(delivered, message).toBeLessThanOrEqual(spans);
  expect(distinct, message).toBeLessThanOrEqual(delivered + unconfirmed + rejected);
  expect(repeated, message).toBeLessThanOrEqual(possibleDuplicates + unconfirmed);
}

/** How its spans have ended, and how many in each way. */
function endsIn({ stats }: PipelineReport): Partial<Record<Ending, number>> {
  const { delivered, rejected, lost, refused } = stats;
  expect(rejected + total(refused)).toBe(0);
  return { ...(delivered > 0 && { delivered }), ...lost };
}

/** What stays of each round makes the heap grow in each of them; what is loaded and compiled once does not. */
function checkHeap({ heaps }: TrialReport): void {
  const growths = heaps.slice(1).map((bytes, index) => bytes - (heaps[index] as number));
  expect(Math.min(...growths), `heaps: ${heaps}`).toBeLessThan(MAX_GROWTH_BYTES);
}
