import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { firstValueFrom, fromEvent, takeUntil } from 'rxjs';
import { expect, test } from 'vitest';
import { type ObservableSink, otlpHttp } from '../../../src/index.ts';
import { batchOf } from '../../support/httpExports.ts';
import { isWhole, type Recorder, recorder, type Treatment } from '../../support/httpRecorder.ts';
import {
  bodyOf,
  largeBatch,
  onRequest,
  originOf,
  recordLendings,
  slowDown,
  spoiltOnceRead,
} from '../../support/lending.ts';
import { randomRuns } from '../../support/randomRuns.ts';

/** One batch: after so many turns of the event loop it is exported, and perhaps given up. */
interface Export {
  readonly kibibytes: number;
  readonly startTurns: number;
  readonly abortTurns: number | undefined;
}

interface Schedule {
  readonly exports: readonly Export[];
  /** Of the requests, in the order in which they arrive, over and over. */
  readonly treatments: readonly Treatment[];
  /** After so many turns the system takes what is written; over and over. */
  readonly writeTurns: readonly number[];
}

const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  exports: fc.array(
    fc.record({
      kibibytes: fc.constantFrom(1, 50, 90, 200, 500),
      startTurns: fc.nat(40),
      abortTurns: fc.option(fc.nat(30), { nil: undefined, freq: 3 }),
    }),
    { minLength: 2, maxLength: 8 },
  ),
  treatments: fc.array(fc.constantFrom<Treatment>('atOnce', 'slowly', 'early', 'reset', 'busy'), {
    minLength: 1,
    maxLength: 6,
  }),
  writeTurns: fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }),
});

const ATTEMPTS = 3;

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether it was answered. */
async function attempted(
  sink: ObservableSink<ReadableSpan>,
  spans: readonly ReadableSpan[],
  signal: AbortSignal,
): Promise<boolean> {
  const aborted = fromEvent(signal, 'abort');
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    try {
      await firstValueFrom(sink.export(batchOf(spoiltOnceRead(spans))).pipe(takeUntil(aborted)));
      return true;
    } catch {
      // The next attempt, if any.
    }
  }
  return false;
}

test('whatever is exported, answered, refused, broken off and given up at once: nothing that arrives is mixed', async () => {
  let schedule: Schedule;
  let first = 0; // arrival of this run
  const server: Recorder = await recorder((index) => {
    const { treatments } = schedule;
    return treatments[(index - first) % treatments.length] as Treatment;
  });
  let writes = 0;
  onRequest((socket) =>
    slowDown(socket, async (write) => {
      await turns(schedule.writeTurns[writes++ % schedule.writeTurns.length] as number);
      write();
    }),
  );
  const lendings = recordLendings();
  let seed = 0;
  await fc.assert(
    fc.asyncProperty(anySchedule, async (next) => {
      schedule = next;
      first = server.arrivals.length;
      const sink = otlpHttp({ environment: {}, url: server.url });
      const batches = next.exports.map(({ kibibytes }) => largeBatch(seed++, kibibytes));
      const bodies = batches.map(bodyOf);
      const answered = await Promise.all(
        next.exports.map(async ({ startTurns, abortTurns }, index) => {
          await turns(startTurns);
          const abort = new AbortController();
          if (abortTurns !== undefined) void turns(abortTurns).then(() => abort.abort());
          return attempted(sink, batches[index] as ReadableSpan[], abort.signal);
        }),
      );
      await sink.shutdown?.();
      await server.quiet();
      const arrivals = server.arrivals.slice(first);
      const origins = arrivals.map(({ body }) => originOf(body, bodies));
      expect(origins).not.toContain(-1);
      const whole = new Set(origins.filter((_, index) => isWhole(arrivals[index] as Recorder['arrivals'][number])));
      if (!next.treatments.includes('early')) {
        for (const [index, wasAnswered] of answered.entries()) if (wasAnswered) expect(whole).toContain(index);
      }
    }),
    randomRuns(60),
  );
  expect(lendings.givenBackTwice).toEqual([]);
  expect(lendings.takenAgain.length).toBeGreaterThan(0);
});
