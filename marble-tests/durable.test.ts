import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { concat, map, of, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { durableOn } from '../src/durable/durable.ts';
import type { DurableOptions } from '../src/durable/options.ts';
import type { DiskState, FromStore, StoredBatch } from '../src/durable/protocol.ts';
import type { StartStore } from '../src/durable/storeLink.ts';
import { exponentialBackoff, type Sink } from '../src/index.ts';
import { encodeTraces } from '../src/otlp/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';

const RETRY = { backoff: exponentialBackoff({ initialMillis: 2, maxMillis: 2, jitter: 'none' }) };

const diskOf = (batches: readonly StoredBatch[]): DiskState => ({
  batches: batches.length,
  items: batches.length,
  bodyBytes: 0,
  usedBytes: 0,
  fileBytes: 0,
  lastRow: 0,
  oldestAgeMillis: 0,
});

const NOTHING = { queueFull: 0, expired: 0, damaged: 0 };

/** A disk that answers at once, on which these spans lie, one in each batch, the first of this age. */
function holding(names: string, ageMillis = 0) {
  const stored = [...names].map((name, index): StoredBatch => {
    const body = encodeTraces([spanWith({ name })]);
    return { row: index + 1, items: 1, ageMillis: index === 0 ? ageMillis : 0, body };
  });
  const removed: number[] = [];
  const start: StartStore = (_, { onMessage }) => {
    const answer = (message: FromStore) => onMessage(message);
    return {
      post: (message) =>
        void Promise.resolve().then(() => {
          const disk = diskOf(stored);
          if (message.kind === 'open') answer({ kind: 'opened', directory: '', disk, missing: [], damaged: 0 });
          if (message.kind === 'read') {
            const batches = stored.filter(({ row }) => row > message.after);
            answer({ kind: 'batches', batches, upTo: stored.length, dropped: NOTHING, disk });
          }
          if (message.kind === 'remove') {
            removed.push(...message.rows);
            answer({ kind: 'committed', writes: [], removed: message.rows, adopted: 0, dropped: NOTHING, disk });
          }
          if (message.kind === 'close') answer({ kind: 'closed' });
        }),
      hold: () => {},
      release: () => {},
      end: async () => {},
    };
  };
  const open = (sink: Sink<ReadableSpan>, options: Partial<DurableOptions> = {}) =>
    durableOn(start, sink, { directory: 'nowhere', send: { retry: RETRY, concurrency: 1 }, ...options });
  return { open, removed };
}

describe('durable', () => {
  test('sends what is on disk, batch after batch', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('-(r|)', '--(r|)', '-(r|)', { name: 'backend' });
      const attempts = ['   ^!', '-^-!', '---^!'];
      const queue = holding('abc').open(backend);
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { delivered: 3 });
    }));

  test('tries a batch until it arrives; others go on while it waits', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('-#', '-(r|)', '-#', '-#', '-(r|)', { name: 'backend' });
      const attempts = ['   ^!', '-^!', '---^!', '------^!', '---------^!'];
      const queue = holding('ab').open(backend);
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { delivered: 2 });
    }));

  test('tries a batch until it is too old, and then counts it as expired', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('-#', { name: 'backend' });
      const attempts = ['   ^!', '---^!'];
      const { open, removed } = holding('a', 95);
      const queue = open(backend, { maxAgeMillis: 100 });
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { lost: { expired: 1 } });
      timer(100).subscribe(() => expect(removed).toEqual([1]));
    }));

  test('begins no attempt after a shutdown, waits for those in flight, and leaves the rest on disk', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('---(r|)', '-(r|)', { name: 'backend' });
      const attempts = ['   ^--!'];
      const { open, removed } = holding('ab');
      const queue = open(backend);
      timer(1).subscribe(() => void queue.shutdown().then(() => expect(removed).toEqual([1])));
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { delivered: 1, pending: 1 });
    }));

  test('aborts what takes longer than the grace of a shutdown, which stays on disk', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('---------(r|)', { name: 'backend' });
      const attempts = ['   ^----!'];
      const { open, removed } = holding('ab');
      const queue = open(backend, { shutdownGraceMillis: 3 });
      timer(2).subscribe(() => void queue.shutdown().then(() => expect(removed).toEqual([])));
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { pending: 2 });
    }));

  test('pauses like any export, and goes on', () =>
    marbles(({ sink, expectAttempts, expectLedger }) => {
      const backend = sink('-(r|)', '-(r|)', { name: 'backend' });
      const attempts = ['   -----^!', '------^!'];
      const { open } = holding('ab');
      const pauseWhen = concat(of(true), timer(5).pipe(map(() => false)));
      const queue = open(backend, { send: { pauseWhen, concurrency: 1 } });
      expectAttempts(backend).toBe(attempts);
      expectLedger(queue, { delivered: 2 });
    }));
});
