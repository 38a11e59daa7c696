import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { diag } from '@opentelemetry/api';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Batch,
  createGate,
  type ExportError,
  exportTo,
  type LossReason,
  type Response,
  type Tally,
  toMemory,
} from '../../src/index.ts';
import { NO_HOLD } from '../../src/model/batch.ts';
import { decodeTraces } from '../../src/otlp/index.ts';
import { type FromPortOptions, fromPort, type ToPortOptions, toPort } from '../../src/workers/index.ts';

const batchOf = <T>(...items: readonly T[]): Batch<T> => ({
  items,
  bytes: items.length,
  closedBy: 'count',
  hold: () => NO_HOLD,
});

const opened: MessagePort[] = [];
afterEach(() => {
  for (const port of opened.splice(0)) port.close();
});

function channel(): { near: MessagePort; far: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  opened.push(port1, port2);
  return { near: port1, far: port2 };
}

/** What became of an export: its answer, or what its failure means. */
type Answered = Response | { readonly failure: ExportError['failure']; readonly message: string };

const answerOf = (answer: Observable<Response>): Promise<Answered> =>
  lastValueFrom(answer).catch((error: ExportError) => ({ failure: error.failure, message: error.message }));

const tally = (part: Partial<Tally>): Tally => ({
  delivered: 0,
  rejected: 0,
  lost: [],
  attempts: 1,
  attemptMillis: 1,
  elapsedMillis: 1,
  ...part,
});

const lost = (count: number, reason: LossReason) => ({ lost: [{ count, reason, stage: 'there' }] });

/** Both ends in this thread: `come` has what has come and was not settled. */
function pair<T>(sending: ToPortOptions<T> = {}, receiving: FromPortOptions<T> = {}) {
  const { near, far } = channel();
  const come: { readonly items: readonly T[]; settle: (part: Partial<Tally>) => void }[] = [];
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const subscription = fromPort<T>(far, receiving).subscribe({
    next: (batch) => {
      const hold = batch.hold();
      come.push({ items: batch.items, settle: (part) => hold.settle(tally(part)) });
      for (const tell of waiting.splice(0)) tell();
    },
    complete: () => {
      seen.push('complete');
      for (const tell of waiting.splice(0)) tell();
    },
  });
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { near, far, come, seen, subscription, until, sink: toPort<T>(near, sending) };
}

describe('a batch over a port is answered as it ended:', () => {
  test.each<[string, Partial<Tally>, Answered]>([
    ['delivered', { delivered: 3 }, { rejected: 0, removed: 0 }],
    ['rejected in part', { delivered: 1, rejected: 2 }, { rejected: 2, removed: 0 }],
    ['removed in part', { delivered: 2 }, { rejected: 0, removed: 1 }],
    [
      'lost in part',
      { delivered: 1, ...lost(2, 'tooLarge') },
      { rejected: 2, removed: 0, message: 'lost on the other side: 2 tooLarge at there' },
    ],
    [
      'lost for good',
      lost(3, 'permanent'),
      { failure: { kind: 'permanent' }, message: 'toPort: lost on the other side: 3 permanent at there' },
    ],
    [
      'lost for now',
      lost(3, 'queueFull'),
      { failure: { kind: 'retryable' }, message: 'toPort: lost on the other side: 3 queueFull at there' },
    ],
    [
      'unconfirmed',
      lost(3, 'unconfirmed'),
      { failure: { kind: 'unknownOutcome' }, message: 'toPort: lost on the other side: 3 unconfirmed at there' },
    ],
  ])('%s', async (_, ending, expected) => {
    const { sink, come, until } = pair<string>();
    const answer = answerOf(sink.export(batchOf('a', 'b', 'c')));
    await until(() => come.length === 1);
    expect(come[0]?.items).toEqual(['a', 'b', 'c']);
    come[0]?.settle(ending);
    expect(await answer).toEqual(expected);
  });

  test('nobody held it', async () => {
    const { near, far } = channel();
    fromPort(far).subscribe();
    expect(await answerOf(toPort(near).export(batchOf(1)))).toEqual({ rejected: 0, removed: 0 });
  });

  test('one item there stands for many here', async () => {
    const { sink, come, until } = pair<unknown>({ send: (items) => [items.length] });
    const answer = answerOf(sink.export(batchOf('a', 'b', 'c')));
    await until(() => come.length === 1);
    come[0]?.settle({ rejected: 1 });
    expect(await answer).toMatchObject({ rejected: 3 });
  });
});

describe('the credits', () => {
  test('bound what is on its way or without an outcome; the next is sent when one has ended', async () => {
    const { sink, come, until } = pair<number>({}, { maxBatches: 2 });
    const answers = [1, 2, 3, 4].map((item) => answerOf(sink.export(batchOf(item))));
    await until(() => come.length === 2);
    expect(come.map(({ items }) => items[0])).toEqual([1, 2]);
    come[1]?.settle({ delivered: 1 });
    await until(() => come.length === 3);
    expect(come.at(-1)?.items).toEqual([3]);
    come[0]?.settle({ delivered: 1 });
    await until(() => come.length === 4);
    come[2]?.settle({ delivered: 1 });
    come[3]?.settle({ delivered: 1 });
    expect(await Promise.all(answers)).toHaveLength(4);
  });

  test('are not given while the gate is closed', async () => {
    const gate = createGate();
    const open = gate.close();
    const phases: string[] = [];
    const { sink, come, until } = pair<number>({}, { gate });
    const attempt = { enter: (phase: string) => phases.push(phase), answered: () => {} };
    const answer = lastValueFrom(sink.export(batchOf(1), attempt));
    expect(phases).toEqual(['connecting']);
    open();
    await until(() => come.length === 1);
    expect(phases).toEqual(['connecting', 'sending', 'waiting']);
    come[0]?.settle({ delivered: 1 });
    await answer;
  });

  test('of a batch that was aborted come back, and its late end is no answer', async () => {
    const { sink, come, until } = pair<number>({}, { maxBatches: 1 });
    const aborted = sink.export(batchOf(1)).subscribe();
    await until(() => come.length === 1);
    aborted.unsubscribe();
    const next = answerOf(sink.export(batchOf(2)));
    await until(() => come.length === 2);
    come[0]?.settle({ delivered: 1 });
    come[1]?.settle({ rejected: 1 });
    expect(await next).toMatchObject({ rejected: 1 });
  });

  test('of a batch that cannot be cloned come back, and the error says what it is', async () => {
    const { sink, come, until } = pair<unknown>({}, { maxBatches: 1 });
    expect(await answerOf(sink.export(batchOf({ name: 'x', end: () => {} })))).toEqual({
      failure: { kind: 'permanent' },
      message: expect.stringContaining('toPort: the batch at [0].end is a function'),
    });
    const next = answerOf(sink.export(batchOf(2)));
    await until(() => come.length === 1);
    come[0]?.settle({ delivered: 1 });
    expect(await next).toMatchObject({ rejected: 0 });
  });
});

describe('when one end goes away', () => {
  test('what was sent has an unknown outcome, what was not can be sent again, and the stream completes', async () => {
    const { sink, far, come, seen, until } = pair<number>({}, { maxBatches: 1 });
    const sent = answerOf(sink.export(batchOf(1)));
    const waiting = answerOf(sink.export(batchOf(2)));
    await until(() => come.length === 1);
    far.close();
    expect(await sent).toMatchObject({ failure: { kind: 'unknownOutcome' } });
    expect(await waiting).toMatchObject({ failure: { kind: 'retryable', connectionRefused: true } });
    expect(await answerOf(sink.export(batchOf(3)))).toMatchObject({
      failure: { kind: 'retryable', connectionRefused: true },
    });
    await until(() => seen.length === 1);
    come[0]?.settle({ delivered: 1 }); // nobody waits for that any more
  });

  test('unsubscribed, it answers what has come, and refuses what comes later', async () => {
    const { sink, come, subscription, until } = pair<number>();
    const sent = answerOf(sink.export(batchOf(1)));
    await until(() => come.length === 1);
    subscription.unsubscribe();
    expect(await answerOf(sink.export(batchOf(2)))).toMatchObject({ failure: { kind: 'retryable' } });
    come[0]?.settle({ delivered: 1 });
    expect(await sent).toEqual({ rejected: 0, removed: 0 });
  });

  test('somebody else may receive after the first one has left', async () => {
    const { sink, far, subscription } = pair<number>();
    subscription.unsubscribe();
    await answerOf(sink.export(batchOf(1)));
    fromPort(far).subscribe();
    expect(
      await eventually(
        () => answerOf(sink.export(batchOf(2))),
        (answer) => 'rejected' in answer,
      ),
    ).toEqual({ rejected: 0, removed: 0 });
  });

  test('the shutdown of the sink completes the stream', async () => {
    const { sink, seen, until } = pair<number>();
    await sink.shutdown?.();
    await until(() => seen.length === 1);
    expect(seen).toEqual(['complete']);
  });

  test('a worker that is ended in the middle: the stream completes, and nothing hangs', async () => {
    const worker = new Worker(new URL('./programs/spansOverPort.ts', import.meta.url), {
      env: { ...process.env, SPANS: '10' },
    });
    const batches: Batch<unknown>[] = [];
    await new Promise<void>((resolve) => {
      fromPort(worker, { receive: decodeTraces }).subscribe({
        next: (batch) => {
          batch.hold();
          batches.push(batch);
          void worker.terminate();
        },
        complete: resolve,
      });
    });
    expect(batches).toHaveLength(1);
  });
});

/** Tries again after each message that comes meanwhile. */
async function eventually<R>(work: () => Promise<R>, holds: (result: R) => boolean): Promise<R> {
  for (;;) {
    const result = await work();
    if (holds(result)) return result;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

describe('receive that throws', () => {
  test('refuses the batch for good, and is told', async () => {
    const told: unknown[] = [];
    const { sink } = pair<number>(
      {},
      {
        receive: () => {
          throw new Error('unreadable');
        },
        onLoss: (loss) => told.push(loss),
        onCallbackError: (thrown) => told.push((thrown as Error).message),
      },
    );
    expect(await answerOf(sink.export(batchOf(1, 2)))).toMatchObject({ failure: { kind: 'permanent' } });
    expect(told).toEqual([{ count: 2, reason: 'operatorFailed', stage: 'fromPort' }, 'unreadable']);
  });
});

describe('the spans of', () => {
  const program = new URL('./programs/spansOverPort.ts', import.meta.url);

  async function carried(endpoint: Worker | ChildProcess): Promise<unknown> {
    const memory = toMemory();
    const books = new Promise<unknown>((resolve) => {
      endpoint.on('message', (message: { books?: unknown }) => {
        if (message.books !== undefined) resolve(message.books);
      });
    });
    const exits = once(endpoint, 'exit');
    const outcomes = fromPort(endpoint, { receive: decodeTraces }).pipe(exportTo(memory), toArray());
    await lastValueFrom(outcomes);
    const [code] = (await exits) as [number];
    return {
      code,
      spans: new Set(memory.items.map((span) => (span as { name: string }).name)).size,
      ...((await books) as object),
    };
  }

  test('a worker thread leave through the main thread, and it ends by itself', async () => {
    const worker = new Worker(program, { env: { ...process.env, SPANS: '5000' } });
    expect(await carried(worker)).toEqual({
      code: 0,
      spans: 5_000,
      delivered: 5_000,
      rejected: 0,
      lost: {},
      pending: 0,
    });
  });

  test('a child process leave through its parent', async () => {
    const env = { ...process.env, SPANS: '1000' };
    const child = fork(program, { env, serialization: 'advanced' });
    expect(await carried(child)).toEqual({
      code: 0,
      spans: 1_000,
      delivered: 1_000,
      rejected: 0,
      lost: {},
      pending: 0,
    });
  });
});

test('a child process whose channel carries no bytes: both sides are told, and go on', async () => {
  const warnings: string[] = [];
  const quiet = () => {};
  diag.setLogger({ warn: (text) => warnings.push(text), error: quiet, info: quiet, debug: quiet, verbose: quiet });
  onTestFinished(() => diag.disable());
  const child = fork(new URL('./programs/noBytes.ts', import.meta.url));
  const told = new Promise((resolve) => {
    child.on('message', (message: { first?: unknown }) => message.first !== undefined && resolve(message));
  });
  const exits = once(child, 'exit');
  expect(await lastValueFrom(fromPort(child).pipe(toArray()))).toEqual([]);
  const failed = {
    failure: { kind: 'retryable', connectionRefused: true },
    message: expect.stringMatching(/^toPort: bytes do not come .* \{ serialization: 'advanced' \}$/),
  };
  expect(await told).toEqual({ first: failed, second: failed });
  expect(await exits).toEqual([0, null]);
  expect(warnings).toEqual([expect.stringContaining("{ serialization: 'advanced' }")]);
});

test('nothing that is idle keeps the process alive', async () => {
  const path = join(import.meta.dirname, 'programs', 'idle.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 120_000 });
  expect(stdout.trim().split('\n')).toEqual(['42', 'over the port', '1', 'the natural end']);
});
