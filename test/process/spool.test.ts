import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { type Ended, type RunOptions, run } from './child.ts';
import type { SpoolInput } from './programs/spool.ts';

/** Of each signal, in flight, and as many that wait: one of these in the ring. */
const ITEMS = 100;
const ALL = 2 * ITEMS;
/** Far less than the attempts and retries would take. */
const SHORT_MILLIS = 1_000;

let backend: OtlpBackend;
let folder: string;
let hanging = 0; // requests that were not answered

beforeEach(async () => {
  backend = await otlpBackend();
  folder = temporaryFolder();
  hanging = 0;
  onTestFinished(() => backend.close());
});

function ends(
  end: SpoolInput['end'],
  more: Partial<SpoolInput> = {},
  onReport?: RunOptions['onReport'],
): Promise<Ended> {
  const given = { url: backend.url, spool: folder, items: ITEMS, end, ...more };
  return run('spool', { input: given, ...(onReport && { onReport }) });
}

/** The next start, which has nothing of its own, and ends when everything was sent. */
function startsAgain(more: Partial<SpoolInput> = {}): Promise<Ended> {
  hanging = backend.requestCount;
  backend.respond('ok');
  return ends('natural', { items: 0, ...more });
}

/** Sends the signal as soon as the program waits for it. */
function signalling(signal: NodeJS.Signals): NonNullable<RunOptions['onReport']> {
  return ({ is, pid }) => {
    if (is === 'ready') process.kill(Number(pid), signal);
  };
}

const files = () => readdirSync(folder);
const told = (program: Ended) => program.all('warning').map(({ message }) => String(message));
const SPOOLED = { accepted: ALL, delivered: 0, handedOn: ALL, lost: {}, pending: 0 };
const WRITTEN = new RegExp(`${ALL} items were written to ${'.*'}, and are sent at the next start`);

/** What has arrived at a backend since it answers: the names of the spans, and how many log records. */
function arrivedAt({ requests }: OtlpBackend, from = hanging) {
  const answered = requests.slice(from);
  const spans = answered.flatMap((request) => request.spans.map(({ name }) => name));
  const logs = answered.filter(({ path }) => path === '/v1/logs').reduce((sum, { items }) => sum + items, 0);
  return { spans: spans.toSorted(), logs };
}

/** What was accepted: some names come twice. */
const NAMES = [ITEMS, ITEMS - 1, 1]
  .flatMap((count) => Array.from({ length: count }, (_, number) => `span ${number}`))
  .toSorted();

const EVERYTHING = { spans: NAMES, logs: ALL };

/** That everything lies in files, which the next start sends, once, and removes. */
async function expectSpooled(program: Ended): Promise<void> {
  expect(program.faults).toEqual([]);
  expect(program.one('exit').books).toEqual({ spans: SPOOLED, logs: SPOOLED });
  expect(told(program).filter((message) => WRITTEN.test(message))).toHaveLength(2);
  expect(files()).toHaveLength(2);
  await expectSentByTheNextStart();
}

async function expectSentByTheNextStart(): Promise<void> {
  const next = await startsAgain();
  expect(next).toMatchObject({ code: 0, faults: [], stderr: '' });
  const sent = { accepted: ALL, delivered: ALL, handedOn: 0, lost: {}, pending: 0 };
  expect(next.one('exit').books).toEqual({ spans: sent, logs: sent });
  expect(arrivedAt(backend)).toEqual(EVERYTHING);
  expect([files(), told(next)]).toEqual([[], []]);
}

describe('with a spool, what is accepted and not sent yet, in flight, in the queue or in the ring,', () => {
  it('is written at the deadline of shutdown(), which says how much, and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('shutdown', { shutdownDeadlineMillis: SHORT_MILLIS });
    const report = { delivered: 0, rejected: 0, spooled: ALL, lost: {} };
    expect(program.one('shutdown').reports).toMatchObject({ spans: report, logs: report });
    expect(program.code).toBe(0);
    await expectSpooled(program);
  });

  it('is written at the deadline of the natural end, and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('natural', { exitDeadlineMillis: SHORT_MILLIS });
    expect(program.code).toBe(0);
    await expectSpooled(program);
  });

  it('is written at a natural end that nothing holds up, and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('natural', { exitDeadlineMillis: 0 });
    expect(program.code).toBe(0);
    await expectSpooled(program);
  });

  it('is written at the natural end when nobody listens at the address', async () => {
    const nobody = await otlpBackend();
    await nobody.close();
    const program = await ends('natural', { url: nobody.url, inRing: true });
    expect(program).toMatchObject({ code: 0, faults: [] });
    const spooled = { accepted: ITEMS, delivered: 0, handedOn: ITEMS, lost: {}, pending: 0 };
    expect(program.one('exit').books).toEqual({ spans: spooled, logs: spooled });
    await startsAgain();
    expect(arrivedAt(backend)).toMatchObject({ logs: ITEMS });
  });

  it('is written at process.exit(), which keeps its code, and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('process.exit');
    expect(program.code).toBe(3);
    await expectSpooled(program);
  });

  it('is written at process.exit() when nobody awaits shutdown(), and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('exitInShutdown');
    expect(program.code).toBe(6);
    await expectSpooled(program);
  });

  it('is written at an uncaught exception, which ends the program as ever, and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('exception');
    expect(program.code).toBe(1);
    expect(program.stderr).toContain('nobody catches this');
    await expectSpooled(program);
  });

  it('is written at the deadline with shutdownOn, and the process dies of its signal', async () => {
    backend.respond('hang');
    const options = { shutdownOn: ['SIGTERM'], shutdownDeadlineMillis: SHORT_MILLIS } as const;
    const program = await ends('signal', options, signalling('SIGTERM'));
    expect(program).toMatchObject({ code: null, signal: 'SIGTERM', faults: [] });
    await expectSentByTheNextStart();
  });

  it('is lost at a signal without shutdownOn: nothing runs, and nothing is written', async () => {
    backend.respond('hang');
    const program = await ends('signal', {}, signalling('SIGTERM'));
    expect(program).toMatchObject({ code: null, signal: 'SIGTERM', faults: [] });
    expect(files()).toEqual([]);
  });
});

describe('in a worker thread with a spool, what is accepted and not sent yet', () => {
  it('is written at its process.exit(), and sent at the next start', async () => {
    backend.respond('hang');
    const program = await ends('process.exit', { inWorker: true });
    expect(program.one('workerEnded').code).toBe(3);
    await expectSpooled(program);
  });

  it('is lost when it is terminated: nothing runs, and nothing is written', async () => {
    backend.respond('hang');
    const program = await ends('terminated', { inWorker: true });
    expect(program.one('workerEnded').code).toBe(1);
    expect(files()).toEqual([]);
  });
});

describe('what was spooled', () => {
  beforeEach(async () => {
    backend.respond('hang');
    await ends('process.exit');
  });

  it('stays for the start after the next one when the backend does not take it', async () => {
    hanging = backend.requestCount;
    const program = await ends('natural', { items: 0, exitDeadlineMillis: SHORT_MILLIS });
    expect(program).toMatchObject({ code: 0, faults: [] });
    expect(backend.requestCount).toBeGreaterThan(hanging);
    expect(files()).toHaveLength(2);
    await expectSentByTheNextStart();
  });

  it('is not lost by a crash while it is sent', async () => {
    hanging = backend.requestCount;
    const killed = ends('signal', { items: 0 }, ({ is, pid }) => {
      if (is === 'ready') void backend.until(isSending, 120_000).then(() => process.kill(Number(pid), 'SIGKILL'));
    });
    expect(await killed).toMatchObject({ signal: 'SIGKILL' });
    expect(files().every((name) => name.includes('.spool.'))).toBe(true); // they say whose they are
    await expectSentByTheNextStart();
  });

  it('is sent once by several processes that start at the same time', async () => {
    hanging = backend.requestCount;
    backend.respond('ok');
    const programs = await Promise.all([0, 1, 2].map(() => ends('natural', { items: 0 })));
    expect(programs.map(({ code, faults }) => [code, faults])).toEqual(programs.map(() => [0, []]));
    expect(arrivedAt(backend)).toEqual(EVERYTHING);
    expect(files()).toEqual([]);
  });

  const isSending = ({ requestCount }: OtlpBackend) => requestCount >= hanging + 2;
});

describe('the operators of a pipeline with a spool', () => {
  it('have passed what is written', async () => {
    const program = await ends('process.exit', { inRing: true, without: 'span 1' });
    expect(program.one('exit').books).toMatchObject({ spans: { accepted: ITEMS, handedOn: ITEMS - 1, pending: 0 } });
    await startsAgain();
    expect(arrivedAt(backend).spans).not.toContain('span 1');
    expect(arrivedAt(backend).spans).toHaveLength(ITEMS - 1);
  });
});

describe('with several sinks, a spool', () => {
  it('keeps for each what it has not delivered, and sends it there alone', async () => {
    const other = await otlpBackend({ answers: 'hang' });
    onTestFinished(() => other.close());
    const toBoth = { otherUrl: other.url, shutdownDeadlineMillis: SHORT_MILLIS };
    const program = await ends('shutdown', toBoth);
    expect(program.one('shutdown').reports).toMatchObject({ spans: { spooled: ALL, lost: {} } });
    expect(arrivedAt(backend)).toEqual(EVERYTHING);
    expect(files()).toHaveLength(1);
    const hung = other.requestCount;
    other.respond('ok');
    const before = backend.requestCount;
    expect(await startsAgain({ otherUrl: other.url })).toMatchObject({ code: 0, faults: [] });
    expect(arrivedAt(other, hung).spans).toEqual(NAMES);
    expect(backend.requestCount).toBe(before);
    expect(files()).toEqual([]);
  });
});

describe('a spool that cannot be written', () => {
  it('is told at the start and at the end, and changes nothing of how the program ends', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const program = await ends('process.exit', { spool: join(file, 'spool'), inRing: true });
    expect(program).toMatchObject({ code: 3, faults: [] });
    const lost = { accepted: ITEMS, handedOn: 0, lost: { shutdown: ITEMS }, pending: 0 };
    expect(program.one('exit').books).toMatchObject({ spans: lost, logs: lost });
    expect(told(program).filter((message) => message.includes('cannot be written, so'))).toHaveLength(2);
    expect(told(program)).toContainEqual(
      expect.stringMatching(`cannot be written: ENOTDIR.*: ${ITEMS} items are lost`),
    );
  });

  it('keeps what maxBytes has room for, and tells what it costs', async () => {
    const spool = { directory: folder, maxBytes: 4_000 };
    const program = await ends('process.exit', { spool, inRing: true });
    expect(program).toMatchObject({ code: 3, faults: [] });
    const { spans } = program.one('exit').books as { spans: { handedOn: number; lost: object; pending: number } };
    expect(spans.handedOn).toBeGreaterThan(0);
    expect(spans).toMatchObject({ lost: { shutdown: ITEMS - spans.handedOn }, pending: 0 });
    expect(told(program)).toContainEqual(expect.stringContaining('would exceed maxBytes 4000'));
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(4_000);
    await startsAgain();
    expect(arrivedAt(backend).spans).toHaveLength(spans.handedOn);
  });
});
