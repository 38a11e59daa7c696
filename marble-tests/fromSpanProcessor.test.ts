import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Observable, switchMap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, fromSpanProcessor, type SpanInput } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';

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

  test('counts what is no span, and the stream goes on', async () => {
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
});
