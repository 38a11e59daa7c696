import { Duplex } from 'node:stream';
import { createGzip, createZstdCompress, zstdDecompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { otlpFetchSettings } from '../../../src/sinks/otlpFetch/settings.ts';
import { openFetch } from '../../support/fetchExports.ts';
import { exportOnce, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { requestJsonOf } from '../../support/spanJson.ts';
import { generatedSpans } from '../../support/spans.ts';
import { decodeRequest } from '../../support/wire.ts';

const SPANS = generatedSpans({ seed: 11, count: 40 });

/** As Bun has it: with `zstd`. */
class CompressionStreamOfBun {
  readonly readable: unknown;
  readonly writable: unknown;

  constructor(format: string) {
    const { readable, writable } = Duplex.toWeb(format === 'zstd' ? createZstdCompress() : createGzip());
    this.readable = readable;
    this.writable = writable;
  }
}

beforeEach(() => {
  vi.stubGlobal('CompressionStream', CompressionStreamOfBun);
  onTestFinished(() => void vi.unstubAllGlobals());
});

describe('zstd by fetch, in a runtime that has it', () => {
  it('is what is sent, and holds the spans', async () => {
    const server = await rawServer(({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 0 }, '')));
    await exportOnce(openFetch({ url: server.url, compression: 'zstd' }), SPANS);
    const [request] = server.requests;
    expect(request?.head).toMatch(/^content-encoding: zstd\r$/m);
    expect(decodeRequest(zstdDecompressSync(request?.body ?? Buffer.alloc(0)))).toEqual(requestJsonOf(SPANS));
  });

  it('may be asked for by the variables', () => {
    const environment = { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' };
    expect(otlpFetchSettings({ environment }).compression).toBe('zstd');
  });

  it('falls back to gzip where the backend refuses it: the same batch at once, and from then on', async () => {
    const warnings = recordWarnings();
    const backend = await startBackend({
      answers: ({ headers }) => (headers['content-encoding'] === 'zstd' ? { status: 415 } : 'ok'),
    });
    const sink = openFetch({ url: backend.url, compression: 'zstd' });
    expect([await exportOnce(sink, SPANS), await exportOnce(sink, SPANS)]).toEqual([{}, {}]);
    expect(backend.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['zstd', 'gzip', 'gzip']);
    expect([backend.spans, warnings]).toEqual([
      80,
      [`spanflow: ${backend.url} does not take zstd (it answered 415): it gets gzip from now on`],
    ]);
  });
});
