import type { Span, SpanOptions, Tracer } from '@opentelemetry/api';
import { defer, of, ReplaySubject, range, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type InSpanOptions, inSpan } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** A tracer that is drawn: `s` where a span starts, `e` where it ends, `x` where it ends with an error. */
function drawnTracer(): { tracer: Tracer; span: ReplaySubject<string>; started: [string, SpanOptions][] } {
  const span = new ReplaySubject<string>();
  const started: [string, SpanOptions][] = [];
  const startSpan = (name: string, options: SpanOptions) => {
    started.push([name, options]);
    span.next('s');
    let end = 'e';
    const made = {
      recordException() {},
      setStatus: () => {
        end = 'x';
      },
      end: () => span.next(end),
    };
    return made as unknown as Span;
  };
  return { tracer: { startSpan } as unknown as Tracer, span, started };
}

describe('inSpan', () => {
  test('has one span for the subscription', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('inSpan', { title: 'inSpan: s starts the span, and e ends it', results: ['result', 'span'] });
      const source = cold(' -a-b-|');
      const subs = '        ^----!';
      const expected = '    -a-b-|';
      const spans = '       s----e';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('has a span of its own for each subscription', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-|');
      const subs = ['       ^--!', '    --^--!'];
      const first = '       ^';
      const second = '      --^';
      const expected = '    -a-|';
      const later = '       ---a-|';
      const spans = '       s-se-e';
      const { tracer, span } = drawnTracer();
      const result = source.pipe(inSpan(tracer, 'read'));
      expectObservable(result, first).toBe(expected);
      expectObservable(result, second).toBe(later);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('passes name and options on to the tracer', () => {
    const { tracer, started } = drawnTracer();
    const options: InSpanOptions = { kind: 3, attributes: { 'order.id': 1 } };
    of(1)
      .pipe(inSpan(tracer, 'charge', options))
      .subscribe();
    expect(started).toEqual([['charge', options]]);
  });

  test('the span has ended before the end is told', () => {
    const order: string[] = [];
    const { tracer, span } = drawnTracer();
    span.subscribe((letter) => order.push(letter));
    of(1)
      .pipe(inSpan(tracer, 'read'))
      .subscribe({ complete: () => order.push('complete') });
    expect(order).toEqual(['s', 'e', 'complete']);
  });

  test('the source is left before the span ends', () => {
    const order: string[] = [];
    const { tracer, span } = drawnTracer();
    const source = new Subject();
    span.subscribe((letter) => order.push(`${letter}, observed: ${source.observed}`));
    source.pipe(inSpan(tracer, 'read')).subscribe().unsubscribe();
    expect(order).toEqual(['s, observed: false', 'e, observed: false']);
  });

  test.each<[unknown, unknown, unknown, string]>([
    [{}, 'read', {}, "inSpan.tracer must be a tracer of OpenTelemetry: trace.getTracer('my-service') for example"],
    [undefined, 'read', {}, 'inSpan.tracer must be a tracer of OpenTelemetry'],
    [drawnTracer().tracer, undefined, {}, 'inSpan.name must be a string, but was given undefined'],
    [drawnTracer().tracer, 'read', { kind: 'client' }, 'inSpan.kind must be a whole number from 0 to 4'],
    [drawnTracer().tracer, 'read', { links: {} }, 'inSpan.links must be an array'],
    [drawnTracer().tracer, 'read', { attribute: {} }, "did you mean 'attributes'?"],
  ])('refuses %o, %o, %o', (tracer, name, options, message) => {
    expect(() => inSpan(tracer as Tracer, name as string, options as InSpanOptions)).toThrow(message);
  });
});

describe('inSpan: the compulsory cases', () => {
  test('never: the span stays open', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^';
      const expected = '    -';
      const spans = '       s';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: ends with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      const spans = '       s-e';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: comes through', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --(a|)');
      const subs = '        ^-!';
      const expected = '    --(a|)';
      const spans = '       s-e';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: one span for all of them', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-(bc)-d-|');
      const subs = '        ^---------!';
      const expected = '    -a-(bc)-d-|';
      const spans = '       s---------e';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: is the status of the span', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#');
      const subs = '        ^--!';
      const expected = '    -a-#';
      const spans = '       s--x';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read'))).toBe(expected, undefined, 'error');
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends the span, and that is no error', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a----b');
      const subs = '        ^--!';
      const expected = '    -a--';
      const spans = '       s--e';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan(tracer, 'read')), subs).toBe(expected);
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: there is no callback; a tracer that throws makes no span, and a source that throws ends its span', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-|');
      const subs = '        ^--!';
      const expected = '    -a-|';
      const failed = '      #';
      const spans = '       (sx)';
      const { tracer, span } = drawnTracer();
      expectObservable(source.pipe(inSpan({ startSpan: throwing } as unknown as Tracer, 'read'))).toBe(expected);
      expectObservable(defer(throwing).pipe(inSpan(tracer, 'read'))).toBe(failed, undefined, new Error('mine'));
      expectObservable(span).toBe(spans);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('synchronous re-entrancy: a value that unsubscribes ends the span of a source without end', () =>
    marbles(({ expectObservable }) => {
      const expected = '    (a|)';
      const spans = '       (se)';
      const { tracer, span } = drawnTracer();
      const endless = range(0, Number.POSITIVE_INFINITY);
      expectObservable(endless.pipe(inSpan(tracer, 'read'), take(1))).toBe(expected, { a: 0 });
      expectObservable(span).toBe(spans);
    }));
});
