import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger } from '../src/index.ts';
import { withAttributes } from '../src/model/changedSpan.ts';
import { enrich } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

const SAME = () => undefined;

describe('enrich', () => {
  test('adds attributes; a span to which nothing is added is passed on as it is', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger, diagram }) => {
      diagram('enrich', { title: 'enrich: A is a with more attributes; b gets none' });
      const { a, b } = spans({ a: {}, b: {} });
      const A = withAttributes(a, { area: 'admin' });
      const source = cold(' -a-b-|');
      const subs = '        ^----!';
      const expected = '    -A-b-|';
      const area = ({ name }: ReadableSpan) => (name === 'a' ? { area: 'admin' } : undefined);
      expectObservable(source.pipe(enrich(area, { ledger }))).toBe(expected, { A, b });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, handedOn: 2 });
    });
  });
});

describe('enrich: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(enrich({ a: 1 })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(enrich({ a: 1 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted at once', () =>
    marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      const { a } = spans({ a: {} });
      const A = withAttributes(a, { x: 1 });
      const source = cold(' -a-|');
      const subs = '        ^--!';
      const expected = '    -A-|';
      expectObservable(source.pipe(enrich({ x: 1 }))).toBe(expected, { A });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: keep their order', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc(de)-|');
      const subs = '        ^-------!';
      const expected = '    abc(de)-|';
      expectObservable(source.pipe(enrich(SAME))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: passes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-#');
      const subs = '        ^-!';
      const expected = '    a-#';
      expectObservable(source.pipe(enrich(SAME))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: unsubscribes the source', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-b-c-');
      const subs = '        ^--!';
      const expected = '    a-b-';
      expectObservable(source.pipe(enrich(SAME)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: each exception is reported, and the span itself goes on', async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab|');
      const subs = '        ^-!';
      const expected = '    ab|';
      expectObservable(source.pipe(enrich(throwing, { onCallbackError }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: a span that comes during an emission is emitted within it, as map does', () => {
    const source = new Subject<ReadableSpan>();
    const log: string[] = [];
    source.pipe(enrich(SAME)).subscribe(({ name }) => {
      log.push(`<${name}`);
      if (name === 'a') source.next(spanWith({ name: 'b' }));
      log.push('>');
    });
    source.next(spanWith({ name: 'a' }));
    expect(log).toEqual(['<a', '<b', '>', '>']);
  });
});

describe('enrich: attributes', () => {
  const enriched = (attributes: Parameters<typeof enrich>[0], span: ReadableSpan, thrown: unknown[] = []) => {
    const source = new Subject<ReadableSpan>();
    const seen: ReadableSpan[] = [];
    source
      .pipe(enrich(attributes, { onCallbackError: (error) => thrown.push(error) }))
      .subscribe((one) => seen.push(one));
    source.next(span);
    return seen[0] as ReadableSpan;
  };

  test('win over those of the span, which stays as it was', () => {
    const span = spanWith({ attributes: { a: 1, b: 2 } });
    expect(enriched({ b: 3, c: 4 }, span).attributes).toEqual({ a: 1, b: 3, c: 4 });
    expect(span.attributes).toEqual({ a: 1, b: 2 });
  });

  test('none are added where there are none', () => {
    const span = spanWith();
    expect([enriched({}, span), enriched(() => ({}), span)]).toEqual([span, span]);
    expect(enriched({}, span)).toBe(span);
  });

  test('what is no object is reported, and a promise is none', () => {
    const thrown: unknown[] = [];
    const span = spanWith();
    for (const wrong of [3, [1], Promise.reject(new Error('late'))]) {
      expect(enriched((() => wrong) as never, span, thrown)).toBe(span);
    }
    expect(thrown).toMatchObject([{ given: 3 }, { given: [1] }, { rule: 'an object of attributes' }]);
  });

  test.each([[undefined], ['a'], [[]]])('%j is refused', (attributes) => {
    expect(() => enrich(attributes as never)).toThrow(
      /enrich\.attributes must be an object of attributes, or a function/,
    );
  });
});
