import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { bufferTime } from 'rxjs';
import { describe, test } from 'vitest';
import { adaptiveBatch, createLedger, fixedSize } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** What comes within four milliseconds of the first item. */
const FOUR_MILLIS = { scheduledDelayMillis: 4, strategy: fixedSize() } as const;

describe('bufferTime, and adaptiveBatch beside it', () => {
  test('it ticks while idle, and emits empty arrays', () =>
    marbles(({ hot, spans, expectObservable, expectBatches }) => {
      const { a } = spans();
      const source = hot('  -a---------------');
      const unsub = '       ^----------------!';
      const ticking = '     ----a---e---e---e';
      const expected = '    -----[a]---------';
      expectObservable(source.pipe(bufferTime(4)), unsub).toBe(ticking, { a: [a], e: [] });
      expectBatches(source.pipe(adaptiveBatch(FOUR_MILLIS)), unsub).toBe(expected);
    }));

  test('its clock starts with the subscription, so items that arrive together are split', () =>
    marbles(({ hot, spans, expectObservable, expectBatches }) => {
      const { a, b } = spans();
      const source = hot('  ---a-b-----|   ');
      const torn = '        ----a---b--(e|)';
      const expected = '    -------[ab]|   ';
      expectObservable(source.pipe(bufferTime(4))).toBe(torn, { a: [a], b: [b], e: [] });
      expectBatches(source.pipe(adaptiveBatch(FOUR_MILLIS))).toBe(expected);
    }));

  test('an error drops the buffer', () =>
    marbles(({ hot, expectBatches }) => {
      const source = hot('  -a-b-#     ');
      const dropping = '    -----#     ';
      const expected = '    -----([ab]#)';
      expectBatches(source.pipe(bufferTime(100))).toBe(dropping);
      expectBatches(source.pipe(adaptiveBatch(FOUR_MILLIS))).toBe(expected, { closedBy: ['error'] });
    }));

  test('unsubscribing drops the buffer without a report', () =>
    marbles(({ hot, onLoss, expectBatches, expectLedger }) => {
      const ledger = createLedger();
      const source = hot('  -a-b----');
      const unsub = '       ^---!   ';
      const expected = '    --------';
      expectBatches(source.pipe(bufferTime(100)), unsub).toBe(expected);
      expectBatches(source.pipe(adaptiveBatch<ReadableSpan>({ ...FOUR_MILLIS, ledger, onLoss })), unsub).toBe(expected);
      expectLedger(ledger, { lost: { unsubscribed: 'ab' } });
    }));
});
