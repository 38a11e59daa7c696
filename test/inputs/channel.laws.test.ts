import fc from 'fast-check';
import { type Subscription, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate } from '../../src/flow/gate.ts';
import { channel } from '../../src/inputs/channel/channel.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { total } from '../../src/ledger/stageStats.ts';
import { randomRuns } from '../support/randomRuns.ts';

const RUNS = randomRuns(300);

interface Item {
  readonly id: number;
  readonly bytes: number;
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('trySend' as const), bytes: fc.integer({ min: 0, max: 12 }) }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), bytes: fc.integer({ min: 0, max: 12 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('closeGate' as const, 'openGate' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('subscribe' as const, 'unsubscribe' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'close' as const) }) },
  ),
  { maxLength: 80 },
);

const limits = fc.record({
  maxQueueSize: fc.integer({ min: 1, max: 5 }),
  maxQueueBytes: fc.integer({ min: 1, max: 20 }),
  maxWaitingSends: fc.integer({ min: 0, max: 4 }),
});

interface Producer {
  readonly item: Item;
  readonly controller: AbortController;
  state: 'waiting' | 'accepted' | 'rejected';
}

/** A channel, and everything that happened to it. */
function world(given: { maxQueueSize: number; maxQueueBytes: number; maxWaitingSends: number }) {
  const scheduler = new VirtualTimeScheduler();
  const ledger = createLedger({ scheduler });
  const gate = createGate();
  const sent = channel<Item>({ ...given, gate, ledger, scheduler, sizeOf: (item) => item.bytes });
  const producers: Producer[] = [];
  const tried: Item[] = []; // accepted by trySend
  const seen: number[] = [];
  let reopen: (() => void) | undefined;
  let subscription: Subscription | undefined;
  let offered = 0;
  let completed = false;

  const send = (bytes: number) => {
    const producer: Producer = { item: { id: offered++, bytes }, controller: new AbortController(), state: 'waiting' };
    producers.push(producer);
    sent.send(producer.item, { signal: producer.controller.signal }).then(
      () => {
        producer.state = 'accepted';
      },
      () => {
        producer.state = 'rejected';
      },
    );
  };
  const trySend = (bytes: number) => {
    const item = { id: offered++, bytes };
    if (sent.trySend(item) === 'accepted') tried.push(item);
  };
  const openGate = () => {
    reopen?.();
    reopen = undefined;
  };
  const subscribe = () => {
    if (subscription !== undefined && !subscription.closed) return;
    subscription = sent.items$.subscribe({
      next: (item) => seen.push(item.id),
      complete: () => {
        completed = true;
      },
    });
  };
  const waiting = () => producers.filter((producer) => producer.state === 'waiting');

  return {
    ...{ sent, ledger, producers, tried, seen, waiting, openGate, subscribe },
    completed: () => completed,
    turn: () => scheduler.flush(),
    act(step: typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never) {
      if (step.kind === 'send') send(step.bytes);
      if (step.kind === 'trySend') trySend(step.bytes);
      if (step.kind === 'turn') scheduler.flush();
      if (step.kind === 'abort') waiting()[step.which % Math.max(1, waiting().length)]?.controller.abort();
      if (step.kind === 'closeGate') reopen ??= gate.close();
      if (step.kind === 'openGate') openGate();
      if (step.kind === 'subscribe') subscribe();
      if (step.kind === 'unsubscribe') subscription?.unsubscribe();
      if (step.kind === 'flush') sent.forceFlush({ timeoutMillis: 1 }).catch(() => {});
      if (step.kind === 'close') sent.close();
    },
  };
}

describe('channel, by any schedule', () => {
  test('conserves, stays within its bounds, keeps the order, and leaves no producer waiting', async () => {
    await fc.assert(
      fc.asyncProperty(limits, steps, async (given, schedule) => {
        const { act, ledger, sent, producers, tried, seen, waiting, openGate, subscribe, turn, completed } =
          world(given);
        const check = () => {
          const stats = ledger.stats();
          expect(stats.offered).toBe(stats.accepted + total(stats.refused));
          expect(stats.accepted).toBe(stats.handedOn + stats.pending);
          expect(stats.pending).toBe(stats.queueSize);
          expect(stats.queueSize).toBeLessThanOrEqual(given.maxQueueSize);
          expect(stats.queueBytes).toBeLessThanOrEqual(given.maxQueueBytes);
          expect(waiting().length).toBeLessThanOrEqual(given.maxWaitingSends);
          expect(seen).toHaveLength(stats.handedOn);
          const [first] = waiting();
          if (first === undefined) return;
          const fits =
            stats.queueSize < given.maxQueueSize && stats.queueBytes + first.item.bytes <= given.maxQueueBytes;
          expect(fits, 'nobody waits while there is room').toBe(false);
        };
        for (const step of schedule) {
          act(step);
          await new Promise((resolve) => setImmediate(resolve));
          check();
        }

        sent.close();
        await new Promise((resolve) => setImmediate(resolve));
        expect(waiting(), 'nobody waits after the closing').toEqual([]);
        openGate();
        subscribe();
        for (let turns = 0; turns < 3; turns += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          turn();
        }
        check();
        expect(completed()).toBe(true);
        expect(ledger.stats().pending).toBe(0);

        const accepted = [...tried, ...producers.filter((p) => p.state === 'accepted').map((p) => p.item)];
        expect(
          [...seen].sort((a, b) => a - b),
          'exactly what was accepted',
        ).toEqual(accepted.map((item) => item.id).sort((a, b) => a - b));
        // Nobody overtakes, so the order of entering is that of asking, waiters included.
        expect(seen, 'first come, first served').toEqual([...seen].sort((a, b) => a - b));
      }),
      RUNS,
    );
  });
});
