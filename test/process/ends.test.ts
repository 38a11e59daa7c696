import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { type Ended, type RunOptions, run } from './child.ts';
import type { EndsInput } from './programs/ends.ts';

/** Of each input. */
const ITEMS = 150;
const NAMES = ['spans', 'logs', 'metrics', 'handle', 'channel', 'pulled'] as const;
/** Far less than the attempts and retries would take. */
const SHORT_MILLIS = 1_000;

let backend: OtlpBackend;

beforeEach(async () => {
  backend = await otlpBackend();
  onTestFinished(() => backend.close());
});

function ends(end: EndsInput['end'], more: Partial<EndsInput> = {}, onReport?: RunOptions['onReport']): Promise<Ended> {
  return run('ends', { input: { url: backend.url, items: ITEMS, end, ...more }, ...(onReport && { onReport }) });
}

/** Sends the signals, the next one when it is told to, as soon as the program waits for them. */
function signalling(...signals: NodeJS.Signals[]): NonNullable<RunOptions['onReport']> {
  return ({ is, pid }) => {
    if (is === 'ready') for (const signal of signals) process.kill(Number(pid), signal);
  };
}

const ofEach = (facts: object) => Object.fromEntries(NAMES.map((name) => [name, facts]));
const DELIVERED = ofEach({ accepted: ITEMS, delivered: ITEMS, lost: {}, pending: 0 });
const PENDING = ofEach({ accepted: ITEMS, delivered: 0, lost: {}, pending: ITEMS });
const REPORTS = ofEach({ delivered: ITEMS, rejected: 0, lost: {} });
const told = (program: Ended) => program.all('warning').map(({ message }) => String(message));
const UNSENT = new RegExp(`the process ends, and ${ITEMS} items have no outcome; .*await shutdown\\(\\) before`);

/** Items that were told to be lost at the end, one line for each input. */
function expectUnsentToBeTold(program: Ended): void {
  expect(told(program)).toEqual(NAMES.map(() => expect.stringMatching(UNSENT)));
}

describe('whatever the input, what is accepted and not sent yet', () => {
  it('is sent by shutdown(), which says so; no listener is left', async () => {
    const program = await ends('shutdown', { shutdownOn: ['SIGTERM'] });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    expect(program.one('shutdown').reports).toMatchObject(REPORTS);
    expect(program.one('exit').books).toEqual(DELIVERED);
    expect(program.one('listeners')).toMatchObject({ SIGTERM: 0, exit: 0 });
    expect(backend.items).toBe(ITEMS * NAMES.length);
  });

  it('is lost at the deadline of shutdown(), which says so', async () => {
    backend.respond('hang');
    const program = await ends('shutdown', { shutdownDeadlineMillis: SHORT_MILLIS });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    const reports = program.one('shutdown').reports as Readonly<Record<string, { readonly lost: object }>>;
    expect(reports).toMatchObject(ofEach({ delivered: 0 }));
    // On a busy machine, the deadline may pass before a request is sent.
    for (const name of NAMES) expect([{ unconfirmed: ITEMS }, { shutdown: ITEMS }]).toContainEqual(reports[name]?.lost);
  });

  it('is sent at the natural end', async () => {
    const program = await ends('natural');
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    expect(program.one('exit').books).toEqual(DELIVERED);
    expect(backend.items).toBe(ITEMS * NAMES.length);
    expect(told(program)).toEqual([]);
  });

  it('is lost at process.exit(), which keeps its code; how many is told', async () => {
    backend.respond('hang');
    const program = await ends('process.exit');
    expect(program).toMatchObject({ code: 3, faults: [] });
    expect(program.one('exit').books).toEqual(PENDING);
    expect(backend.items).toBe(0);
    expectUnsentToBeTold(program);
  });

  it('is lost at process.exit() when nobody awaits shutdown(); how many is told', async () => {
    backend.respond('hang');
    const program = await ends('exitInShutdown');
    expect(program).toMatchObject({ code: 6, faults: [] });
    expect(program.one('exit').books).toEqual(PENDING);
    expectUnsentToBeTold(program);
  });

  it('is lost at an uncaught exception, which ends the program as ever; how many is told', async () => {
    backend.respond('hang');
    const program = await ends('exception');
    expect(program).toMatchObject({ code: 1, faults: [] });
    expect(program.stderr).toContain('nobody catches this');
    expect(program.one('exit').books).toEqual(PENDING);
    expectUnsentToBeTold(program);
  });

  it('is sent after an uncaught exception by a handler of the program that awaits shutdown()', async () => {
    const program = await ends('handledException');
    expect(program).toMatchObject({ code: 4, faults: [] });
    expect(program.one('shutdown').reports).toMatchObject(REPORTS);
    expect(backend.items).toBe(ITEMS * NAMES.length);
  });
});

describe('at a signal, whatever the input, what is accepted and not sent yet', () => {
  it('is lost without shutdownOn, and nothing can be told: no listener is installed', async () => {
    backend.respond('hang');
    const program = await ends('signal', {}, signalling('SIGTERM'));
    expect(program).toMatchObject({ code: null, signal: 'SIGTERM', faults: [] });
    expect(program.one('ready').listeners).toBe(0);
    expect([program.all('exit'), told(program)]).toEqual([[], []]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'is sent with shutdownOn, by one listener for all, and the process dies of its %s',
    async (signal) => {
      const program = await ends('signal', { shutdownOn: ['SIGTERM', 'SIGINT'] }, signalling(signal));
      expect(program).toMatchObject({ code: null, signal, faults: [], stderr: '' });
      expect(program.one('ready').listeners).toBe(1);
      expect(backend.items).toBe(ITEMS * NAMES.length);
      expect(told(program)).toEqual([]);
    },
  );

  it('is lost at the deadline with shutdownOn and a backend that never answers, and told', async () => {
    backend.respond('hang');
    const options = { shutdownOn: ['SIGTERM'], shutdownDeadlineMillis: SHORT_MILLIS } as const;
    const program = await ends('signal', options, signalling('SIGTERM'));
    expect(program).toMatchObject({ code: null, signal: 'SIGTERM', faults: [] });
    const losses = new RegExp(`${ITEMS} (unconfirmed|shutdown)`);
    expect(told(program).filter((message) => losses.test(message)).length).toBeGreaterThan(0);
  });

  it('is sent with shutdownOn beside a handler of the program, which decides when it ends', async () => {
    const program = await ends('ownHandler', { shutdownOn: ['SIGTERM'] }, signalling('SIGTERM'));
    expect(program).toMatchObject({ code: 5, signal: null, faults: [] });
    expect(program.one('ready').listeners).toBe(2);
    expect(program.one('shutdown').reports).toMatchObject(REPORTS);
    expect(backend.items).toBe(ITEMS * NAMES.length);
  });

  it('is lost with shutdownOn when a second signal comes, which ends the process at once', async () => {
    backend.respond('hang');
    const options = { shutdownOn: ['SIGTERM', 'SIGINT'], shutdownDeadlineMillis: 600_000 } as const;
    let pid = 0;
    const onReport: RunOptions['onReport'] = (report) => {
      if (report.is === 'ready') pid = Number(report.pid);
      if (report.is === 'ready') process.kill(pid, 'SIGTERM');
      if (report.is === 'draining') process.kill(pid, 'SIGINT');
    };
    const program = await ends('signal', options, onReport);
    expect(program).toMatchObject({ code: null, signal: 'SIGINT', faults: [] });
  });
});

describe('in a worker thread, whatever the input, what is accepted and not sent yet', () => {
  it('is sent at its natural end', async () => {
    const program = await ends('natural', { inWorker: true });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    expect(program.one('exit').books).toEqual(DELIVERED);
    expect(backend.items).toBe(ITEMS * NAMES.length);
  });

  it('is lost at its process.exit(), which ends the worker alone; how many is told', async () => {
    backend.respond('hang');
    const program = await ends('process.exit', { inWorker: true });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('workerEnded').code).toBe(3);
    expect(program.one('exit').books).toEqual(PENDING);
    expectUnsentToBeTold(program);
  });

  it('is lost when it is terminated, and nothing can be told', async () => {
    backend.respond('hang');
    const program = await ends('terminated', { inWorker: true });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('workerEnded').code).toBe(1);
    expect([program.all('exit'), told(program)]).toEqual([[], []]);
  });
});
