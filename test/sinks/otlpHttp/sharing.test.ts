// One batch that goes to several sinks at once.

import { gunzipSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bodyMemory } from '../../../src/flow/memory.ts';
import { encodeTracesJson } from '../../../src/otlp/index.ts';
import { batchOf, exportOnce, failureOf, openSink } from '../../support/httpExports.ts';
import { OK, type Recorder, recorder } from '../../support/httpRecorder.ts';
import { bodyOf, Gate, largeBatch, onRequest, recordLendings, slowDown } from '../../support/lending.ts';

/** A batch that counts how often it is encoded. */
function countedBatch(kibibytes: number): { spans: ReadableSpan[]; encodings: () => number } {
  let encodings = 0;
  const spans = largeBatch(1, kibibytes);
  const counted = { ...(spans.at(-1) as ReadableSpan) };
  Object.defineProperty(counted, 'droppedLinksCount', {
    get: () => {
      encodings += 1;
      return 0;
    },
  });
  return { spans: [...spans.slice(0, -1), counted], encodings: () => encodings };
}

function unzipped(body: Buffer): Buffer {
  return body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body;
}

function bodiesOf({ arrivals }: Recorder): Buffer[] {
  return arrivals.map(({ body }) => body);
}

describe('a batch that two sinks send at once', () => {
  it.each([2, 500])('is encoded once, and counted once in memory: %d KiB', async (kibibytes) => {
    const lendings = recordLendings();
    const servers = [await recorder(() => 'never'), await recorder(() => 'never')] as const;
    const { spans, encodings } = countedBatch(kibibytes);
    const before = bodyMemory().heldBytes;
    const answers = servers.map(({ url }) => firstValueFrom(openSink({ url }).export(batchOf(spans))));
    const isWhole = ({ arrivals }: Recorder) => arrivals.some(({ body, length }) => body.length === length);
    await Promise.all(servers.map((server) => server.until(isWhole)));
    expect(encodings()).toBe(1);
    const body = bodyOf(spans);
    expect(bodyMemory().heldBytes - before).toBe(body.length);
    servers[0].sockets[0]?.write(OK);
    expect(await answers[0]).toEqual({});
    expect(bodyMemory().heldBytes - before).toBe(body.length);
    servers[1].sockets[0]?.write(OK);
    expect(await answers[1]).toEqual({});
    expect(bodyMemory().heldBytes - before).toBe(0);
    expect(servers.flatMap(bodiesOf)).toEqual([body, body]);
    expect(lendings.givenBack).toHaveLength(kibibytes > 100 ? 1 : 0);
  });

  it('arrives whole at one of them when the export to the other is aborted in the middle', async () => {
    const lendings = recordLendings();
    const servers = [await recorder(() => 'slowly'), await recorder(() => 'atOnce')] as const;
    const gates = servers.map(() => new Gate());
    onRequest((socket) => {
      for (const [index, { url }] of servers.entries())
        if (url.includes(`:${socket.remotePort}/`)) slowDown(socket, (gates[index] as Gate).hold);
    });
    const { spans, encodings } = countedBatch(500);
    const aborted = openSink({ url: servers[0].url }).export(batchOf(spans)).subscribe();
    const sink = openSink({ url: servers[1].url });
    const answer = firstValueFrom(sink.export(batchOf(spans)));
    await Promise.all(gates.map(({ reached }) => reached));
    aborted.unsubscribe();
    await servers[0].until(({ sockets }) => sockets[0]?.destroyed === true);
    for (const gate of gates) gate.open();
    expect(await answer).toEqual({});
    expect(encodings()).toBe(1);
    expect(bodiesOf(servers[1])).toEqual([bodyOf(spans)]);
    expect(lendings.givenBackTwice).toEqual([]);
  });

  it('is encoded once in each encoding, and compressed where it is to be', async () => {
    const server = await recorder(() => 'atOnce');
    const { spans, encodings } = countedBatch(300);
    const options = [
      {},
      { compression: 'gzip' },
      { encoding: 'json' },
      { encoding: 'json', compression: 'gzip' },
    ] as const;
    const before = bodyMemory().heldBytes;
    await Promise.all(options.map((option) => exportOnce(openSink({ url: server.url, ...option }), spans)));
    expect(encodings()).toBe(2);
    expect(bodyMemory().heldBytes).toBe(before);
    const bodies = [...bodiesOf(server).map(unzipped)].sort(Buffer.compare);
    const expected = [
      bodyOf(spans),
      bodyOf(spans),
      Buffer.from(encodeTracesJson(spans)),
      Buffer.from(encodeTracesJson(spans)),
    ];
    expect(bodies).toEqual(expected.sort(Buffer.compare));
  });

  it('is too large for the one that says so, and goes to the other', async () => {
    const server = await recorder(() => 'atOnce');
    const { spans, encodings } = countedBatch(300);
    const small = openSink({ url: server.url, maxRequestBytes: 1024 });
    const [failure, response] = await Promise.all([
      failureOf(small, spans),
      exportOnce(openSink({ url: server.url }), spans),
    ]);
    expect([failure.failure, response]).toEqual([{ kind: 'tooLarge' }, {}]);
    expect(encodings()).toBe(1);
    expect(bodiesOf(server)).toEqual([bodyOf(spans)]);
  });

  it('cannot be encoded for either where its items are no list, and later batches can', async () => {
    const items = new Set(largeBatch(1, 1)) as unknown as ReadableSpan[];
    const server = await recorder(() => 'atOnce');
    const sinks = [openSink({ url: server.url }), openSink({ url: server.url })] as const;
    const failures = await Promise.all(sinks.map((sink) => failureOf(sink, items)));
    expect(failures.map(({ failure }) => failure)).toEqual([{ kind: 'permanent' }, { kind: 'permanent' }]);
    expect(await exportOnce(sinks[0], largeBatch(1, 1))).toEqual({});
  });
});
