import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Subscriber } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { channel, createGate, createLedger, fromSpanProcessor, type Gate } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

const broken = new Error('broken');
const throwing = () => {
  throw broken;
};

/** What `onCallbackError` was called with, and the ledger that counts it. */
function observed() {
  const thrown: unknown[] = [];
  const ledger = createLedger();
  return { thrown, ledger, options: { ledger, onCallbackError: (error: unknown) => void thrown.push(error) } };
}

describe('a callback that throws is counted and reported to onCallbackError, and the stream goes on', () => {
  test('fromSpanProcessor: onLoss', () =>
    marbles(async ({ flush }) => {
      const { thrown, ledger, options } = observed();
      const input = fromSpanProcessor({ maxQueueSize: 1, onLoss: throwing, ...options });
      const names: string[] = [];
      for (const name of ['one', 'lost']) input.onEnd(spanWith({ name }));
      input.spans$.subscribe(({ name }) => names.push(name));
      await flush();
      expect([thrown, names, ledger.stats().callbackErrors]).toEqual([[broken], ['one'], 1]);
    }));

  test('fromSpanProcessor: a subscriber, and the spans behind leave in the same turn', () =>
    marbles(async ({ flush }) => {
      const { thrown, ledger, options } = observed();
      const input = fromSpanProcessor(options);
      const turns: string[][] = [[]];
      input.spans$.subscribe(
        // RxJS catches what the functions of an observer throw, and not what an operator's own Subscriber does.
        new (class extends Subscriber<ReadableSpan> {
          override next({ name }: ReadableSpan): void {
            if (turns[0]?.length === 0) setImmediate(() => turns.push([]));
            turns.at(-1)?.push(name);
            if (name !== 'last') throwing();
          }
        })(),
      );
      for (const name of ['one', 'two', 'last']) input.onEnd(spanWith({ name }));
      await flush();
      const { callbackErrors, handedOn } = ledger.stats();
      expect([thrown, turns[0], callbackErrors, handedOn]).toEqual([[broken, broken], ['one', 'two', 'last'], 2, 3]);
    }));

  test('fromSpanProcessor: an object that is no span is counted, and no callback runs within onEnd', () => {
    const { thrown, ledger, options } = observed();
    fromSpanProcessor(options).onEnd({} as never);
    expect([thrown, ledger.stats().callbackErrors]).toEqual([[], 1]);
  });

  test('channel: onLoss', () =>
    marbles(async ({ flush }) => {
      const { thrown, ledger, options } = observed();
      const sent = channel<string>({ maxQueueSize: 1, onLoss: throwing, ...options });
      expect([sent.trySend('one'), sent.trySend('lost')]).toEqual(['accepted', 'dropped']);
      await flush();
      expect([thrown, ledger.stats().callbackErrors]).toEqual([[broken], 1]);
    }));

  test('channel: sizeOf', () => {
    const { thrown, ledger, options } = observed();
    expect(channel<string>({ sizeOf: throwing, ...options }).trySend('one')).toBe('accepted');
    expect([thrown, ledger.stats().callbackErrors]).toEqual([[broken], 1]);
  });

  test('channel: a gate whose wait fails', () =>
    marbles(async ({ flush }) => {
      const { thrown, ledger, options } = observed();
      const gate: Gate = { ...createGate(), open: false, whenOpen: () => Promise.reject(broken) };
      const sent = channel<string>({ gate, ...options });
      sent.items$.subscribe();
      sent.trySend('one');
      await flush();
      expect(thrown[0]).toBe(broken);
      expect(ledger.stats().callbackErrors).toBe(thrown.length);
    }));

  test('an onCallbackError that throws does not reach the caller of trySend', () => {
    const sent = channel<string>({ sizeOf: throwing, onCallbackError: throwing });
    expect(sent.trySend('one')).toBe('accepted');
  });
});
