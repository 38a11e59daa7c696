import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable, switchMap, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, fromSpanProcessor, type SpanInput } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** The SDK, drawn: each letter is a span that ends, the end is `shutdown()`. */
function end(input: SpanInput, source: Observable<ReadableSpan>): void {
  source.subscribe({ next: (span) => input.onEnd(span), complete: () => void input.shutdown() });
}

describe('fromSpanProcessor', () => {
  test('keeps what ends before anybody subscribes, and then lets it through', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromSpanProcessor: subscribed at s';
      diagram('fromSpanProcessor', { title, sources: ['onEnd', 'subscriber'], results: ['spans$'] });
      const source = hot('   -a-b----c-d-|');
      const arriving = hot(' ----(s|)');
      const subs = '         ^-----------!';
      const expected = '     ----(ab)c-d-|';
      const input = fromSpanProcessor();
      end(input, source);
      expectObservable(arriving.pipe(switchMap(() => input.spans$))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('fromSpanProcessor: the compulsory cases', () => {
  test('never: nothing comes, and no timer runs', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -');
      const subs = '       ^----!';
      const expected = '   ------';
      const input = fromSpanProcessor();
      expectObservable(source.pipe(tap((span) => input.onEnd(span))), subs).toBe(expected);
      expectObservable(input.spans$, subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: a shutdown before any span completes it', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' ---|');
      const subs = '       ^--!';
      const expected = '   ---|';
      const input = fromSpanProcessor();
      end(input, source);
      expectObservable(input.spans$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: what ends in the moment of the shutdown still comes', () =>
    marbles(async ({ hot, flush, expectObservable, expectSubscriptions }) => {
      const source = hot(' --(a|)');
      const subs = '       ^-!';
      const expected = '   --(a|)';
      const input = fromSpanProcessor();
      end(input, source);
      expectObservable(input.spans$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
    }));

  test('many: in the order in which they ended, to each subscriber', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -a-(bcd)--e|');
      const subs = '       ^----------!';
      const expected = '   -a-(bcd)--e|';
      const late = '       ---------^';
      const rest = '       ----------e|';
      const input = fromSpanProcessor();
      end(input, source);
      expectObservable(input.spans$).toBe(expected);
      expectObservable(input.spans$, late).toBe(rest);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: it has none; what is no span is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ hot, spans, expectObservable, expectSubscriptions }) => {
      const { a, c } = spans();
      const source = hot(' -a-b-c-|', { a, b: {} as ReadableSpan, c });
      const subs = '       ^------!';
      const expected = '   -a---c-|';
      const input = fromSpanProcessor({ ledger });
      end(input, source);
      expectObservable(input.spans$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ offered: 2, handedOn: 2, callbackErrors: 1, pending: 0 });
  });

  test('early unsubscribe: spans wait in the ring for the next who subscribes', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -a-b-c-----d-|');
      const subs = '       ^------------!';
      const first = '      ^-!';
      const expected = '   -a-';
      const second = '     -------^';
      const rest = '       -------(bc)d-|';
      const input = fromSpanProcessor();
      end(input, source);
      expectObservable(input.spans$, first).toBe(expected);
      expectObservable(input.spans$, second).toBe(rest);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: one of onLoss is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -(abc)--d-|');
      const subs = '       ^---------!';
      const expected = '   -a------d-|';
      const input = fromSpanProcessor({ maxQueueSize: 1, onLoss: throwing, ledger });
      end(input, source);
      expectObservable(input.spans$).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ handedOn: 2, refused: { queueFull: 2 }, callbackErrors: 1, pending: 0 });
  });

  test('synchronous re-entrancy: a span that a listener ends comes behind, and no stack grows', () =>
    marbles(async ({ spans, flush }) => {
      const { a } = spans();
      const input = fromSpanProcessor();
      const depths = new Set<number>();
      let seen = 0;
      input.spans$.subscribe(() => {
        seen += 1;
        if (seen % 5_000 === 0) depths.add((new Error().stack ?? '').split('\n').length);
        if (seen < 20_000) input.onEnd(a);
      });
      input.onEnd(a);
      await flush();
      await input.shutdown();
      expect(seen).toBe(20_000);
      expect(depths.size).toBe(1);
    }));
});
