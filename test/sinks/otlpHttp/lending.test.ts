import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ObservableSink, OtlpHttpOptions } from '../../../src/index.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from '../../../src/sinks/otlpHttp/connection/highWaterMark.ts';
import { authority } from '../../support/httpCertificates.ts';
import { batchOf, exportOnce, openSink } from '../../support/httpExports.ts';
import { isWhole, OK, type Recorder, recorder, type Treatment } from '../../support/httpRecorder.ts';
import {
  bodyOf,
  Gate,
  largeBatch,
  onRequest,
  originOf,
  recordLendings,
  slowDown,
  spoiltOnceRead,
} from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const OURS = authority('spanflow test authority');
const IDENTITY = OURS.issue('backend', ['127.0.0.1']);

/** Buffers of 256 KiB grow to twice that, and so on; all of these are kept. */
const KIBIBYTES = [100, 200, 400, 900];

function sinkTo({ url }: Recorder, options: OtlpHttpOptions = {}): ObservableSink<ReadableSpan> {
  return openSink({ url, ...(url.startsWith('https') ? { tls: { ca: OURS.cert } } : {}), ...options });
}

/** Tries until it is answered. Each attempt reads the spans once. */
async function delivered(
  sink: ObservableSink<ReadableSpan>,
  spans: readonly ReadableSpan[],
  attempts = 4,
): Promise<void> {
  try {
    await exportOnce(sink, spoiltOnceRead(spans));
  } catch (failure) {
    if (attempts === 1) throw failure;
    await delivered(sink, spans, attempts - 1);
  }
}

/** That nothing but these bodies, or beginnings of them, came in; and which of them came whole. */
async function wholeOf(
  server: Recorder,
  sink: ObservableSink<ReadableSpan>,
  bodies: readonly Buffer[],
): Promise<Set<number>> {
  await sink.shutdown?.();
  await server.quiet();
  const origins = server.arrivals.map(({ body }) => originOf(body, bodies));
  expect(origins).not.toContain(-1);
  return new Set(origins.filter((_, index) => isWhole(server.arrivals[index] as Recorder['arrivals'][number])));
}

/** A program may change what streams hold before they say that they are full. */
function changeDefault(bytes: number): void {
  const before = getDefaultHighWaterMark(false);
  onTestFinished(() => setDefaultHighWaterMark(false, before));
  setDefaultHighWaterMark(false, bytes);
}

const all = (count: number) => new Set(Array.from({ length: count }, (_, index) => index));

describe.each([
  ['HTTP', undefined],
  ['HTTPS', IDENTITY],
])('large requests over %s', (_, identity) => {
  const treatments: readonly [string, (index: number) => Treatment][] = [
    ['answers at once', () => 'atOnce'],
    ['reads slowly', () => 'slowly'],
    ['hangs up in the middle of every third', (index) => (index % 3 === 0 ? 'reset' : 'atOnce')],
    ['refuses every other', (index) => (index % 2 === 0 ? 'busy' : 'slowly')],
  ];

  it.each(treatments)(
    'arrive as they were made at a backend that %s, and take the same buffers again',
    async (_, treat) => {
      const lendings = recordLendings();
      const server = await recorder(treat, identity);
      const sink = sinkTo(server);
      const bodies: Buffer[] = [];
      for (let round = 0; round < 4; round++) {
        const batches = KIBIBYTES.map((kibibytes, index) => largeBatch(10 * round + index, kibibytes));
        bodies.push(...batches.map(bodyOf));
        await Promise.all(batches.map((batch) => delivered(sink, batch, 16)));
      }
      expect(await wholeOf(server, sink, bodies)).toEqual(all(bodies.length));
      expect(lendings.takenAgain.length).toBeGreaterThan(0);
      expect(lendings.givenBackTwice).toEqual([]);
    },
  );

  it('arrive as they were made, or the beginnings of them, at a backend that answers first and reads then', async () => {
    const lendings = recordLendings();
    const server = await recorder(() => 'early', identity);
    const sink = sinkTo(server);
    const bodies: Buffer[] = [];
    for (let round = 0; round < 6; round++) {
      const batches = KIBIBYTES.map((kibibytes, index) => largeBatch(10 * round + index, 4 * kibibytes));
      bodies.push(...batches.map(bodyOf));
      await Promise.all(batches.map((batch) => delivered(sink, batch)));
    }
    await wholeOf(server, sink, bodies);
    expect(server.arrivals.length).toBeGreaterThan(0);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it.each([2, 20, 60, 70, 300])(
    'of %d KiB that were answered before the system took them are not written over',
    async (kibibytes) => {
      recordLendings();
      changeDefault(1024);
      const server = await recorder(() => 'never', identity);
      const sink = sinkTo(server);
      const gate = new Gate();
      onRequest((socket) => {
        if (server.url.includes(`:${socket.remotePort}/`)) slowDown(socket, gate.hold);
      });
      const batch = largeBatch(1, kibibytes);
      const answered = exportOnce(sink, spoiltOnceRead(batch));
      await Promise.all([gate.reached, server.until(({ sockets }) => sockets.length === 1)]);
      server.sockets[0]?.write(OK);
      expect(await answered).toEqual({});
      gate.open();
      // A connection whose request was not wholly written when the answer came is ended.
      await server.until(({ sockets, arrivals }) => sockets[0]?.destroyed === true || arrivals.some(isWhole));
      await wholeOf(server, sink, [bodyOf(batch)]);
    },
  );

  it('go over sockets that are full at what is lent, whatever the default is', async () => {
    const server = await recorder(() => 'atOnce', identity);
    const marks: number[] = [];
    onRequest((socket) => marks.push(socket.writableHighWaterMark));
    changeDefault(2 * SOCKET_HIGH_WATER_MARK_BYTES);
    await exportOnce(sinkTo(server), [spanWith()]);
    expect(marks).toEqual([SOCKET_HIGH_WATER_MARK_BYTES]);
  });

  it('of one batch that is exported twice at once are equal, and share one buffer', async () => {
    const lendings = recordLendings();
    const server = await recorder((index) => (index % 2 === 0 ? 'slowly' : 'atOnce'), identity);
    const sink = sinkTo(server);
    const spans = largeBatch(1, 500);
    const batch = batchOf(spans);
    for (let round = 1; round <= 3; round++) {
      await Promise.all([firstValueFrom(sink.export(batch)), firstValueFrom(sink.export(batch))]);
      expect(lendings.givenBack).toHaveLength(round);
    }
    expect(await wholeOf(server, sink, [bodyOf(spans)])).toEqual(all(1));
    expect(server.arrivals).toHaveLength(6);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it.each<Treatment>(['busy', 'reset'])('are not kept after a failure (%s), and made again', async (treatment) => {
    const lendings = recordLendings();
    const server = await recorder((index) => (index < 2 ? treatment : 'atOnce'), identity);
    const sink = sinkTo(server);
    const spans = largeBatch(1, 500);
    for (let failures = 0; failures < 2; failures++) {
      await expect(exportOnce(sink, spoiltOnceRead(spans))).rejects.toMatchObject({ name: 'ExportError' });
      expect(lendings.givenBack).toEqual([]);
    }
    await delivered(sink, spans, 1);
    expect(await wholeOf(server, sink, [bodyOf(spans)])).toEqual(all(1));
  });

  it('that are aborted while they are sent leave the others as they are', async () => {
    recordLendings();
    const server = await recorder((index) => (index === 0 ? 'never' : 'slowly'), identity);
    const sink = sinkTo(server);
    const [aborted, ...others] = [3000, 200, 300, 400, 500].map((kibibytes, index) => largeBatch(index, kibibytes));
    const subscription = sink.export(batchOf(spoiltOnceRead(aborted ?? []))).subscribe();
    await server.until(({ arrivals }) => (arrivals[0]?.body.length ?? 0) > 0);
    const deliveries = others.map((spans) => delivered(sink, spans));
    subscription.unsubscribe();
    await Promise.all(deliveries);
    const bodies = [aborted ?? [], ...others].map(bodyOf);
    const whole = await wholeOf(server, sink, bodies);
    for (const index of [1, 2, 3, 4]) expect(whole).toContain(index);
  });
});
