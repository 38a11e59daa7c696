// Spans from `onEnd` through two operators of a user into batches, and no further.

import { filter, map } from 'rxjs';
import { adaptiveBatch, createLedger, fromSpanProcessor } from '../../../src/index.ts';
import { Offering } from '../support/offering.ts';
import { given, program, sleep } from '../support/program.ts';
import { pipelineSpans } from '../support/workloads.ts';

export interface IntakeInput {
  readonly workload: 'request' | 'bare';
  readonly warmUpMillis: number;
  readonly millis: number;
}

export interface Intake {
  readonly nanosPerSpan: number;
  /** Of one call of `stats()` on the two stages. */
  readonly nanosPerStats: number;
  readonly offered: number;
  /** Into batches. */
  readonly taken: number;
}

const { workload, warmUpMillis, millis } = given<IntakeInput>();
const { spans } = pipelineSpans(workload);

program(async (): Promise<Intake> => {
  const ledger = createLedger();
  const input = fromSpanProcessor({ ledger });
  let seen = 0;
  const batches$ = input.spans$.pipe(
    filter((span) => span.name !== 'GET /healthz'),
    map((span) => {
      seen += 1;
      return span;
    }),
    adaptiveBatch({ flushWhen: input.flush$, ledger }),
  );
  batches$.subscribe((batch) => offering.ended(batch.items.length, batch.items.length));
  const offering = new Offering(spans, 8_192, (span) => input.onEnd(span));
  offering.start();
  await sleep(warmUpMillis);
  const before = { cpu: process.cpuUsage(), seen };
  await sleep(millis);
  while (seen === before.seen) await sleep(10);
  const { user, system } = process.cpuUsage(before.cpu);
  const nanosPerSpan = ((user + system) * 1_000) / (seen - before.seen);
  await offering.stop(() => input.forceFlush());
  await input.shutdown();
  const nanosPerStats = nanosOf(() => ledger.stats());
  return { nanosPerSpan, nanosPerStats, offered: offering.offered, taken: offering.delivered };
});

/** What one call costs when it is made often. */
function nanosOf(call: () => unknown): number {
  const calls = 20_000;
  for (let count = 0; count < calls; count += 1) call();
  const before = process.cpuUsage();
  for (let count = 0; count < calls; count += 1) call();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / calls;
}
