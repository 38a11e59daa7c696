import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type BackendScript, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { type Ended, run } from './child.ts';
import type { ExitInput } from './programs/exit.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

async function start(answers: BackendScript = 'ok'): Promise<OtlpBackend> {
  const backend = await otlpBackend({ answers });
  open.push(backend);
  return backend;
}

async function closedUrl(): Promise<string> {
  const backend = await otlpBackend();
  const { url } = backend;
  await backend.close();
  return url;
}

/** TLS to a server that takes connections and says nothing. */
async function mutedUrl(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push({ close });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
}

function end(url: string, options: Partial<ExitInput> = {}): Promise<Ended> {
  return run('exit', { input: { url, spans: 1_500, ...options } });
}

/** All losses that were told to `diag.warn`. */
function warnedLosses(program: Ended): number {
  const texts = program.all('warning').map(({ message }) => String(message));
  const counts = texts
    .filter((text) => text.includes('lost items'))
    .flatMap((text) => text.match(/\d+(?= \w+ at)/g) ?? []);
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/** Without it the retries would go on for minutes, and the program would be killed long before. */
const DEADLINE_MILLIS = 1_500;

describe('a program that comes to its natural end', () => {
  it('sends what is queued first', async () => {
    const backend = await start();
    const program = await end(backend.url);
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    expect(program.one('exit')).toMatchObject({ accepted: 1_500, delivered: 1_500, lost: {}, pending: 0 });
    expect(backend.spans).toBe(1_500);
    expect(program.all('warning')).toEqual([]);
  });

  it('waits for a backend that is slow, and for one that recovers', async () => {
    const backend = await start([{ delayMillis: 300 }, { status: 503, delayMillis: 100 }, { delayMillis: 300 }]);
    const program = await end(backend.url);
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ delivered: 1_500, lost: {}, pending: 0 });
    expect(backend.spans).toBe(1_500);
  });

  it.each([
    ['refuses connections', closedUrl, ['shutdown']],
    ['never ends a handshake', mutedUrl, ['shutdown']],
    // On a busy machine, the deadline may pass before the request is sent.
    ['never answers', async () => (await start('hang')).url, ['unconfirmed', 'shutdown']],
    // An attempt may be in flight when the deadline passes.
    ['answers 503', async () => (await start({ status: 503 })).url, ['shutdown', 'unconfirmed']],
  ])('is over within its deadline with a backend that %s', async (_what, url, reasons) => {
    const program = await end(await url(), { exitDeadlineMillis: DEADLINE_MILLIS });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ accepted: 1_500, delivered: 0, pending: 0 });
    const lost = program.one('exit').lost as Record<string, number>;
    expect(reasons).toEqual(expect.arrayContaining(Object.keys(lost)));
    expect(Object.values(lost).reduce((sum, count) => sum + count, 0)).toBe(1_500);
    expect(warnedLosses(program)).toBe(1_500);
  });

  it.each([
    ['never ends a handshake', mutedUrl],
    ['never answers', async () => (await start('hang')).url],
    ['answers 503', async () => (await start({ status: 503 })).url],
  ])('is over within its deadline when requests are under way to a backend that %s', async (_what, url) => {
    const program = await end(await url(), { end: 'underWay', spans: 20_000, exitDeadlineMillis: DEADLINE_MILLIS });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ accepted: 20_000, delivered: 0, pending: 0 });
    expect(warnedLosses(program)).toBe(20_000);
  });

  it('sends what twenty pipelines have, without a warning of Node', async () => {
    const program = await run('manyPipelines');
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    expect(program.one('exit').items).toEqual(Array.from({ length: 20 }, () => 10));
  });

  it('is not held by exitDeadlineMillis 0: what is queued is pending at its end', async () => {
    const backend = await start('hang');
    const program = await end(backend.url, { exitDeadlineMillis: 0, spans: 100 });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ pending: 100, listeners: 0 });
    expect(backend.requestCount).toBe(0);
  });

  it('is not held by exitDeadlineMillis 0 when a request is under way', async () => {
    const backend = await start('hang');
    const program = await end(backend.url, { end: 'underWay', exitDeadlineMillis: 0 });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
  });
});

describe('a program of operators that awaits nothing', () => {
  it.each([
    ['everything at once', 'is slow', 'array', 2_000, { delayMillis: 100 }],
    ['everything at once', 'recovers', 'array', 2_000, [{ status: 503 }, { status: 503 }, 'ok']],
    // While it waits for its second attempt, nothing else is under way.
    ['a single batch', 'recovers', 'array', 100, [{ status: 503 }, 'ok']],
    ['what it pulls', 'is slow', 'gate', 2_000, { delayMillis: 20 }],
    ['what it pulls', 'recovers', 'gate', 2_000, [{ status: 503 }, { status: 503 }, 'ok']],
    ['a single batch that it pulls', 'recovers', 'gate', 100, [{ status: 503 }, 'ok']],
  ] as const)('sends %s before its natural end, to a backend that %s', async (_what, _how, source, spans, answers) => {
    const backend = await start(answers);
    const program = await run('operators', { input: { url: backend.url, source, spans } });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    expect(program.one('exit')).toMatchObject({ completed: true, delivered: spans, lost: {}, pending: 0 });
    expect(backend.spans).toBe(spans);
  });
});

describe('a program that is ended otherwise', () => {
  it('sends nothing at process.exit(), and keeps its exit code', async () => {
    const backend = await start();
    const program = await end(backend.url, { end: 'process.exit' });
    expect(program).toMatchObject({ code: 3, faults: [] });
    expect(program.one('exit')).toMatchObject({ accepted: 1_500, delivered: 0, pending: 1_500 });
    expect(program.all('beforeExit')).toEqual([]);
    expect(backend.spans).toBe(0);
  });

  it('leaves a sink behind that does not close', async () => {
    const backend = await start();
    const program = await end(backend.url, { end: 'shutdown', sinkNeverCloses: true });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ delivered: 1_500, pending: 0, listeners: 0 });
  });

  it('has nothing left to do at its end after a shutdown', async () => {
    const backend = await start();
    const program = await end(backend.url, { end: 'shutdown' });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ delivered: 1_500, pending: 0, listeners: 0 });
    expect(backend.spans).toBe(1_500);
  });
});
