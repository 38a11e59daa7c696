// Writes batches through queues on disk and tells of each that was begun and answered, until it is killed; or drains them, and ends. It is started before it is needed, and waits for a line that says what to do.
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { of, throwError } from 'rxjs';
import type { DurableSink } from '../../../src/durable/api.ts';
import { durable } from '../../../src/durable/index.ts';
import { exponentialBackoff, otlpHttp } from '../../../src/index.ts';
import { ExportError, type Sink } from '../../../src/model/sink.ts';
import { exportOnce } from '../../support/exportOnce.ts';
import { seededRandom } from '../../support/random.ts';
import { batchNameOf, spansOf } from '../batches.ts';

export interface Lane {
  readonly name: string;
  readonly directory: string;
  /** Left out: the backend is a function in this process, which tells of what has arrived. */
  readonly url?: string;
}

export interface Orders {
  readonly lanes: readonly Lane[];
  readonly life: number;
  readonly seed: number;
  readonly sync: 'full' | 'normal';
  /** How many batches each lane writes. */
  readonly batches: number;
  /** Writes nothing, waits until everything has an outcome, and ends. */
  readonly drains: boolean;
}

const WRITERS = 3;
/** An attempt that a busy machine makes late is no second one. */
const ATTEMPT_TIMEOUT_MILLIS = 300_000;

/** At once, and in the order in which it happened. A reader that is slow is waited for. */
function tell(...words: readonly (string | number)[]): void {
  for (;;) {
    try {
      writeSync(1, `${words.join(' ')}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 5, jitter: 'none' });

function backendOf({ name }: Lane, { seed, drains }: Orders): Sink<ReadableSpan> {
  const random = seededRandom(seed);
  return {
    name,
    export: ({ items }) => {
      if (!drains && random() < 0.3) return throwError(() => new ExportError({ kind: 'retryable' }, 'later'));
      tell('arrived', batchNameOf(items));
      return of({});
    },
  };
}

function openLane(lane: Lane, orders: Orders): DurableSink<ReadableSpan> {
  const { directory, url } = lane;
  const send = { attemptTimeoutMillis: ATTEMPT_TIMEOUT_MILLIS, retry: { backoff } };
  const sink = url === undefined ? backendOf(lane, orders) : otlpHttp({ url });
  return durable(sink, { directory, sync: orders.sync, flush: 'delivered', shutdownGraceMillis: 5, send });
}

async function write(queue: DurableSink<ReadableSpan>, name: string): Promise<void> {
  tell('begun', name);
  const written = await exportOnce(queue, spansOf(name)).catch((error: Error) => error.message);
  if (typeof written === 'string') tell('refused', name, written);
  else tell('answered', name);
}

async function fill(queue: DurableSink<ReadableSpan>, lane: string, { life, batches }: Orders): Promise<void> {
  let begun = 0;
  const writer = async () => {
    while (begun < batches) {
      begun += 1;
      await write(queue, `${lane}.${life}.${begun}`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

async function obey(orders: Orders): Promise<void> {
  const queues = orders.lanes.map((lane) => ({ lane: lane.name, queue: openLane(lane, orders) }));
  closing = async () => {
    await Promise.all(queues.map(({ queue }) => queue.shutdown()));
    tell('closed');
    process.exit();
  };
  await Promise.all(queues.map(({ queue }) => queue.opened()));
  tell('opened');
  if (!orders.drains) await Promise.all(queues.map(({ lane, queue }) => fill(queue, lane, orders)));
  tell('written');
  if (!orders.drains) return;
  await Promise.all(queues.map(({ queue }) => queue.forceFlush()));
  for (const { lane, queue } of queues) {
    const { pending, lost } = queue.stats();
    tell('drained', lane, pending, JSON.stringify(lost));
  }
  await closing();
}

let closing = async () => {};

flushCompileCache();
tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'close') void closing();
  else
    obey(JSON.parse(line) as Orders).catch((error: Error) => {
      tell('failed', error.message);
      process.exit(1);
    });
}
