import { Readable } from 'node:stream';
import { lastValueFrom, NEVER, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Channel,
  channel,
  createGate,
  createLedger,
  fromAsyncIterable,
  fromReadable,
  fromReadableStream,
  type Gate,
} from '../../../src/index.ts';
import { turns } from '../../support/turns.ts';

/** A gate of somebody's own, which counts who waits for it. */
function countingGate(waitAt: (gate: Gate, options: Parameters<Gate['whenOpen']>[0]) => Promise<void>) {
  const inner = createGate();
  const waits = { now: 0, ever: 0 };
  const gate: Gate = {
    get open() {
      return inner.open;
    },
    whenOpen: (options) => {
      waits.now += 1;
      waits.ever += 1;
      const over = () => {
        waits.now -= 1;
      };
      const opened = waitAt(inner, options);
      opened.then(over, over);
      return opened;
    },
    close: () => inner.close(),
    saturated$: inner.saturated$,
  };
  return { gate, waits };
}

const heedingSignals = () => countingGate((gate, options) => gate.whenOpen(options));
const withoutSignals = () => countingGate((gate) => gate.whenOpen());

/** A channel that holds an item. */
function filled(gate: Gate, ledger = createLedger()): Channel<number> {
  const items = channel<number>({ gate, ledger });
  items.trySend(1);
  return items;
}

/** Each has one item to give. */
const PULLERS: Record<string, (gate: Gate) => Observable<unknown>> = {
  fromAsyncIterable: (gate) => fromAsyncIterable([1], { gate }),
  fromReadable: (gate) => fromReadable(Readable.from([1]), { gate }),
  fromReadableStream: (gate) => fromReadableStream(ReadableStream.from([1]), { gate }),
  channel: (gate) => filled(gate).items$,
};

describe.each(Object.entries(PULLERS))('%s', (_name, puller) => {
  test('unsubscribed while the gate is closed, it does not wait for that any longer', async () => {
    const { gate, waits } = heedingSignals();
    gate.close();
    for (let cycles = 0; cycles < 1_000; cycles += 1) {
      const subscription = puller(gate).subscribe();
      // Let it come to the gate, at least every other time.
      if (cycles % 2 === 0) await turns(3);
      subscription.unsubscribe();
    }
    await turns();
    expect(waits.ever).toBeGreaterThanOrEqual(500);
    expect(waits.now).toBe(0);
  });

  test('keeps nothing of a wait that is over', async () => {
    const signals: AbortSignal[] = [];
    const { gate } = countingGate((inner, options) => {
      if (options?.signal) signals.push(options.signal);
      return inner.whenOpen(options);
    });
    const open = gate.close();
    const subscription = puller(gate).subscribe();
    await turns();
    open();
    await turns();
    subscription.unsubscribe();
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
  });

  test('goes on when a gate opens that knows no signal', async () => {
    const { gate, waits } = withoutSignals();
    const open = gate.close();
    const seen: unknown[] = [];
    puller(gate).subscribe((item) => seen.push(item));
    await turns();
    expect([waits.now, seen]).toEqual([1, []]);
    open();
    await turns();
    expect([waits.now, seen]).toEqual([0, [1]]);
  });
});

describe('a channel', () => {
  test('that is left and listened to again at a closed gate waits for it once, and goes on', async () => {
    const { gate, waits } = heedingSignals();
    const open = gate.close();
    const { items$ } = filled(gate);
    items$.subscribe().unsubscribe();
    const seen: unknown[] = [];
    items$.subscribe((item) => seen.push(item));
    await turns();
    expect([waits.ever, waits.now]).toEqual([2, 1]);
    open();
    await turns();
    expect(seen).toEqual([1]);
  });

  test('whose gate fails counts that, and goes on with the next item that finds it open', async () => {
    const { gate } = countingGate(() => Promise.reject(new Error('no hinge')));
    const open = gate.close();
    const ledger = createLedger();
    const items = filled(gate, ledger);
    const seen: unknown[] = [];
    items.items$.subscribe((item) => seen.push(item));
    await turns();
    expect(ledger.stats().callbackErrors).toBe(1);
    open();
    items.trySend(2);
    await turns();
    expect(seen).toEqual([1, 2]);
  });
});

test.each(['fromAsyncIterable', 'fromReadable', 'fromReadableStream'])('%s fails with its gate', async (name) => {
  const { gate } = countingGate(() => Promise.reject(new Error('no hinge')));
  gate.close();
  await expect(lastValueFrom(PULLERS[name]?.(gate) ?? NEVER)).rejects.toThrow('no hinge');
});
