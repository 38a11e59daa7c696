// Batches into a queue on disk, or into memory: how many are acknowledged, how late that is, what is written, how late the event loop gets, and how long a start takes on what is left.

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER, of } from 'rxjs';
import { durable } from '../../../src/durable/index.ts';
import type { ObservableSink } from '../../../src/model/sink.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { exportOnce } from '../../support/exportOnce.ts';
import { given, paced, percentile, program } from '../support/program.ts';
import { workloadOf } from '../support/workloads.ts';

/** `full`, `normal`: the queue, with that option · `memory`: the same bytes, kept in memory · `nothing`: answers at once, and does nothing. */
export type Keeping = 'full' | 'normal' | 'memory' | 'nothing';

export interface DurableInput {
  readonly keeping: Keeping;
  readonly directory: string;
  /** `fill`: so many bytes of bodies, as fast as they are taken, or for so long · `pace`: so many batches a second · `recover`: sends all that is there. */
  readonly act: 'fill' | 'pace' | 'recover';
  readonly millis: number;
  readonly bytes?: number;
}

export interface DurableRun {
  readonly batches: number;
  readonly spans: number;
  readonly batchesPerSecond: number;
  readonly p99Millis: number;
  /** Written by the process, for each span; NaN where the system does not tell. */
  readonly writtenBytesPerSpan: number;
  readonly bodyBytesPerSpan: number;
  readonly delayMillis: number;
  /** Until the directory was open. */
  readonly openMillis: number;
  /** Until everything was sent. */
  readonly drainMillis: number;
}

const AT_ONCE = 8;
const PACE_PER_SECOND = 40;
const WARM_UP_BATCHES = 40;
const MAX_BYTES = 8 * 1024 ** 3;

const { keeping, directory, act, millis, bytes = Number.POSITIVE_INFINITY } = given<DurableInput>();
const batch = workloadOf('request').batches[0] as ReadableSpan[];
const bodyBytes = encodeTraces(batch).length;

function sinkOf(): ObservableSink<ReadableSpan> {
  const kept: Uint8Array[] = [];
  if (keeping === 'nothing') return { name: keeping, export: () => of({}) };
  if (keeping === 'memory')
    return {
      name: keeping,
      export: ({ items }) => {
        if (kept.push(encodeTraces(items)) > 256) kept.length = 0;
        return of({});
      },
    };
  // The backend is away: what is written stays there.
  return durable({ name: 'away', export: () => NEVER }, { directory, sync: keeping, maxBytes: MAX_BYTES });
}

program(async (): Promise<Partial<DurableRun>> => {
  if (act === 'recover') return recover();
  const sink = sinkOf();
  const waits: number[] = [];
  const writeOne = async () => {
    const before = performance.now();
    await exportOnce(sink, batch);
    waits.push(performance.now() - before);
  };
  for (let count = 0; count < WARM_UP_BATCHES; count += 1) await writeOne();
  waits.length = 0;
  return act === 'fill' ? fill(writeOne, waits) : pace(writeOne);
});

async function fill(writeOne: () => Promise<void>, waits: readonly number[]): Promise<Partial<DurableRun>> {
  const [before, startMillis] = [writtenBytes(), performance.now()];
  let begun = 0;
  const goesOn = () => performance.now() < startMillis + millis && begun * bodyBytes < bytes;
  const writer = async () => {
    while (goesOn()) {
      begun += 1;
      await writeOne();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
  const seconds = (performance.now() - startMillis) / 1_000;
  const spans = waits.length * batch.length;
  return {
    ...{ batches: waits.length, spans, batchesPerSecond: waits.length / seconds, p99Millis: percentile(waits, 0.99) },
    ...{ writtenBytesPerSpan: (writtenBytes() - before) / spans, bodyBytesPerSpan: bodyBytes / batch.length },
  };
}

async function pace(writeOne: () => Promise<void>): Promise<Partial<DurableRun>> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const writes: Promise<void>[] = [];
  await paced(PACE_PER_SECOND, millis, () => writes.push(writeOne()));
  delay.disable();
  await Promise.all(writes);
  return { batches: writes.length, delayMillis: delay.percentile(99) / 1e6 };
}

async function recover(): Promise<Partial<DurableRun>> {
  const startMillis = performance.now();
  let spans = 0;
  const sink: ObservableSink<ReadableSpan> = {
    name: 'counter',
    export: ({ items }) => {
      spans += items.length;
      return of({});
    },
  };
  const queue = durable(sink, { directory, maxBytes: MAX_BYTES, flush: 'delivered' });
  await queue.opened();
  const openMillis = performance.now() - startMillis;
  await queue.forceFlush();
  const drainMillis = performance.now() - startMillis;
  await queue.shutdown();
  return { openMillis, drainMillis, spans };
}

/** As the kernel counts them for this process. */
function writtenBytes(): number {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}
