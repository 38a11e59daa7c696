import {
  bufferCount,
  delay,
  filter,
  interval,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  take,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { NO_HOLD } from '../../src/model/batch.ts';
import type { MarbleKit } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

const batch = <T>(items: readonly T[]): Batch<T> => ({ items, closedBy: 'count', bytes: 0, hold: () => NO_HOLD });

describe('the message of a failure', () => {
  it('a value that comes late', async () => {
    const failure = failureOf(({ cold, spans, expectObservable }) => {
      spans({ b: { status: 'error', durationMillis: 300, trace: 'a', attributes: { 'http.route': '/cart' } } });
      const source = cold('                   -a-b---|');
      expectObservable(source.pipe(filter((span) => span.name !== 'x'))).toBe('-ab----|');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -ab----|
        observed  -a-b---|
                    ^

      b was expected at 2ms and came at 3ms: 1ms late
        b  the span "b", 300ms, error, trace of a, { 'http.route': '/cart' }
    `);
  });

  it('a value that is missing', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-c-|').pipe(filter((span) => span.name !== 'b'))).toBe('-a-b-c-|');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a-b-c-|
        observed  -a---c-|
                     ^

      at 3ms: b was expected, but nothing came; next came c at 5ms
        b  the span "b", 10ms, unset, trace of b
        c  the span "c", 10ms, unset, trace of c
    `);
  });

  it('an end that is missing', async () => {
    const failure = failureOf(({ cold, expectObservable }) => expectObservable(cold('-a')).toBe('-a-|'));
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a-|
        observed  -a-
                     ^

      at 3ms: the end | was expected, but nothing more came
    `);
  });

  it('a value too many', async () => {
    const failure = failureOf(({ cold, expectObservable }) => expectObservable(cold('-a-(ab)')).toBe('-a-b'));
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a-b
        observed  -a-(ab)
                      ^

      at 3ms: b was expected, but a came
        b  the span "b", 10ms, unset, trace of b
        a  the span "a", 10ms, unset, trace of a
    `);
  });

  it('another letter', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      const source = cold('-a-b|', { a: 1, b: 2 });
      expectObservable(source.pipe(map((n) => n * 10))).toBe('-a-b|', { a: 10, b: 30 });
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a-b|
        observed  -a-?|
                     ^

      at 3ms: b was expected, but ? came
        b  30
        ?  20
    `);
  });

  it('a value that looks like another one, and is of another class', async () => {
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    }
    const failure = failureOf(({ cold, expectObservable }) => {
      const made = cold('-abc|', { a: new Point(1), b: { x: 1 }, c: [Number.NaN] });
      expectObservable(made).toBe('-abc|', { a: new Point(1), b: new Point(1), c: [Number.NaN] });
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -abc|
        observed  -a?c|
                    ^

      at 2ms: b was expected, but ? came
        b  Point { x: 1 }
        ?  { x: 1 }
    `);
  });

  it('a span that was changed', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      const renamed = cold('-a|').pipe(map((span) => ({ ...span, name: 'GET /' })));
      expectObservable(renamed).toBe('-a|');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a|
        observed  -?|
                   ^

      at 1ms: a was expected, but ? came
        a  the span "a", 10ms, unset, trace of a
        ?  the span "GET /", 10ms, unset, trace of a: the ids of a, changed
    `);
  });

  it('a batch that is longer', async () => {
    const failure = failureOf(({ cold, expectBatches }) => {
      expectBatches(cold('-(abc)|').pipe(bufferCount(3))).toBe('-[ab]-|');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -[ab]-|
        observed  -[abc]|
                      ^

      at 1ms: the batch [ab] was expected, but the batch [abc] came
        c  the span "c", 10ms, unset, trace of c
    `);
  });

  it('fewer batches than close reasons', async () => {
    const failure = failureOf(({ spans, expectBatches }) => {
      expectBatches(of(batch([spans().a]))).toBe('([a]|)', { closedBy: ['count', 'delay'] });
    });
    expect(await failure).toBe('the close reasons differ\n\nthere are 2 close reasons for 1 batches');
  });

  it('another batch, after a long silence', async () => {
    const failure = failureOf(({ cold, expectBatches }) => {
      const source = cold('a-b 400ms c-d-e|');
      expectBatches(source.pipe(bufferCount(2))).toBe('--[ab] 399ms [cde]|');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  --[ab] 399ms [cde]|
        observed  --[ab] 399ms [cd] @408ms:([e]|)
                                  ^

      at 405ms: the batch [cde] was expected, but the batch [cd] came
        e  the span "e", 10ms, unset, trace of e
    `);
  });

  it('batches that lie closer than they can be drawn', async () => {
    const failure = failureOf(({ cold, expectBatches }) => {
      expectBatches(cold('ab-cd---e|').pipe(bufferCount(2))).toBe('-[ab]--[cd]');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -[ab]--          [cd]
        observed  -[ab] @4ms:[cd]----([e]|)
                             ^

      the batch [cd] was expected at 7ms and came at 4ms: 3ms early
        c  the span "c", 10ms, unset, trace of c
    `);
  });

  it('why a batch was closed', async () => {
    const failure = failureOf(({ spans, expectBatches }) => {
      const { a, b } = spans();
      expectBatches(of(batch([a, b]))).toBe('([ab]|)', { closedBy: ['delay'] });
    });
    expect(await failure).toBe(text`
      the close reasons differ

        ([ab]|)
         ^

      batch 1 at 0ms: expected to be closed by delay, but it was closed by count
    `);
  });

  it('another error', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('-#', {}, new RangeError('too far'))).toBe('-#', {}, { message: 'too near' });
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -#
        observed  -#
                   ^

      at 1ms: the error # was expected, but the error # came
        #  was expected to be { message: 'too near' }
        #  was RangeError: too far
    `);
  });

  it('an abort that was forgotten', async () => {
    const forgetful = <T>(source: Observable<T>) =>
      new Observable<T>((subscriber) => {
        source.subscribe({ next: (value) => subscriber.next(value) });
      });
    const failure = failureOf(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c|');
      expectObservable(source.pipe(forgetful), '^---!').toBe('-a-b');
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
    expect(await failure).toBe(text`
      the subscriptions differ

        expected  ^---!
        observed  ^---
                      ^

      number 1 of 1: expected to end at 4ms, but it never ended

      when the run was over, this was left behind

        cold('-a-b-c|'), subscribed at 0ms
    `);
  });

  it('a subscription that is missing', async () => {
    const failure = failureOf(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a|');
      expectObservable(NEVER, '^---!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('-^-!');
    });
    expect(await failure).toBe(text`
      the subscriptions differ

        expected  -^-!
        observed  ---
                   ^

      there was no subscription, but one was expected from 1ms
    `);
  });

  it('one subscription too few', async () => {
    const failure = failureOf(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a|');
      expectObservable(source).toBe('-a|');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '--^-!']);
    });
    expect(await failure).toBe(text`
      the subscriptions differ

        expected  --^-!
        observed  ----
                    ^

      number 2 of 2: expected from 2ms, but it never began
    `);
  });

  it.each([[[]], [''], ['-----']])('a subscription where none is expected: %j', async (none) => {
    const failure = failureOf(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a|');
      expectObservable(source).toBe('-a|');
      expectSubscriptions(source.subscriptions).toBe(none);
    });
    expect(await failure).toBe(text`
      the subscriptions differ

        expected  --
        observed  ^-!
                  ^

      none was expected, but one began at 0ms
    `);
  });

  it('several attempts where none is expected, and none where some are', async () => {
    const attempts = failureOf(({ spans, sink, expectObservable, expectAttempts }) => {
      const scripted = sink('--(r|)');
      expectObservable(of(1, 2).pipe(mergeMap(() => scripted.export(batch([spans().a]))))).toBe('--r(r|)', { r: {} });
      expectAttempts(scripted).toBe([]);
    });
    expect(await attempts).toContain('none was expected, but there were 2, and the first began at 0ms');
    const none = failureOf(({ sink, expectAttempts }) => expectAttempts(sink('r')).toBe(['^', '-^'], ['a', 'b']));
    expect(await none).toContain('there was no attempt, but 2 were expected, the first from 0ms');
  });

  it('a subscription that is drawn without its beginning', async () => {
    const failure = failureOf(({ cold, expectSubscriptions }) => {
      expectSubscriptions(cold('-a|').subscriptions).toBe('---!');
    });
    expect(await failure).toBe("'---!' ends what never began: draw a ^ where it is subscribed");
  });

  it('a timer that was left behind', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      const source = cold('-a|').pipe(tap(() => setTimeout(() => {}, 500)));
      expectObservable(source.pipe(takeUntil(timer(30_000)))).toBe('-a|');
    });
    expect(await failure).toMatch(
      /^when the run was over, this was left behind\n\n {2}setTimeout 500ms, set at test\/testing\/failures\.test\.ts:\d+:\d+$/,
    );
  });

  it('an interval without an end', async () => {
    const failure = failureOf(
      ({ expectObservable }) => {
        expectObservable(interval(10).pipe(map(() => 'a'))).toBe('10ms a 9ms b');
      },
      { maxVirtualMillis: 1_000 },
    );
    expect((await failure).replaceAll(/:\d+:\d+/g, ':LINE')).toBe(text`
      the next event lies at 1030ms, more than 1s after the last frame that is drawn (maxVirtualMillis): unsubscribe an endless timer, for example by expectObservable(source, '^---!')

      this is still scheduled

        setInterval 10ms, set at node_modules/rxjs/dist/cjs/internal/scheduler/intervalProvider.js:LINE

      the marbles differ

        expected  ----------a---------b----------------------------------------------------------- …
        observed  ----------a---------a---------a---------a---------a---------a---------a--------- …
                                      ^

      at 20ms: b was expected, but a came
        b  the span "b", 10ms, unset, trace of b
        a  'a'
    `);
  });

  it('attempts', async () => {
    const failure = failureOf(({ spans, sink, expectObservable, expectAttempts }) => {
      const { a, b } = spans();
      const scripted = sink('--(r|)', '---');
      const batches = of(batch([a]), batch([b]));
      expectObservable(
        batches.pipe(
          mergeMap((one) => scripted.export(one)),
          map(() => 'r'),
        ),
        '^----!',
      ).toBe('--r');
      expectAttempts(scripted).toBe(['^-!', '^--!'], ['a', 'b']);
    });
    expect(await failure).toBe(text`
      the attempts of the sink scripted differ

        expected  ^--!
        observed  ^----!
                     ^

      number 2 of 2 [b]: expected to end at 3ms, but it ended at 5ms
    `);
  });

  it('the batch of an attempt', async () => {
    const failure = failureOf(({ spans, sink, expectObservable, expectAttempts }) => {
      const scripted = sink('--(r|)');
      expectObservable(scripted.export(batch([spans().a])).pipe(map(() => 'r'))).toBe('--(r|)');
      expectAttempts(scripted).toBe('^-!', ['ab']);
    });
    expect(await failure).toBe(text`
      the attempts of the sink scripted differ

        ^-!

      number 1 of 1: [ab] was expected, but it was [a]
    `);
  });

  it('an expectation without toBe', async () => {
    const failure = failureOf(({ expectObservable }) => void expectObservable(NEVER.pipe(take(1), delay(1))));
    expect(await failure).toBe('expectObservable(…) without toBe asserts nothing');
  });

  it('an expectation with two drawings, or with a letter without a value', async () => {
    const twice = ({ expectObservable }: MarbleKit) => {
      const expectation = expectObservable(NEVER);
      expectation.toBe('-');
      expectation.toBe('-');
    };
    expect(await failureOf(twice)).toBe('expectObservable(…) takes one toBe, but got a second');
    const unknown = failureOf(({ expectObservable }) => expectObservable(NEVER).toBe('-a-b', { a: 1 }));
    expect(await unknown).toBe('the letter b has no value in the table given');
  });

  it('spans that are shaped too late, or in a circle', async () => {
    const late = failureOf(({ cold, spans }) => {
      cold('-a');
      spans({ a: { name: 'late' } });
    });
    expect(await late).toBe('the span a is drawn already: shape it with spans({ a: … }) before that');
    const circle = failureOf(({ spans }) => spans({ a: { trace: 'b' }, b: { parent: 'a' } }).a);
    expect(await circle).toBe('the span a is in a circle of traces and parents');
  });

  it('brackets in a source of single items, and single items in a source of batches', async () => {
    expect(await failureOf(({ hot }) => hot('-[a]'))).toBe(
      "hot('-[a]') draws batches: use hotBatches for a source of arrays",
    );
    expect(await failureOf(({ coldBatches }) => coldBatches('-a'))).toBe(
      "coldBatches('-a') draws single items: put each into brackets",
    );
  });

  it('a difference far from the beginning', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold(`${'a'.repeat(1_000)}b${'c'.repeat(1_000)}|`)).toBe(
        `${'a'.repeat(1_000)}d${'c'.repeat(1_000)}|`,
      );
    });
    const [a, c] = ['a'.repeat(60), 'c'.repeat(59)];
    expect(await failure).toBe(
      `the marbles differ\n\n  expected  … ${a}d${c} …\n  observed  … ${a}b${c} …\n${' '.repeat(74)}^\n\n` +
        'at 1s: d was expected, but b came\n' +
        '  d  the span "d", 10ms, unset, trace of d\n  b  the span "b", 10ms, unset, trace of b',
    );
  });

  it('several failures at once', async () => {
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('-a')).toBe('-b', { b: 1 });
      expectObservable(cold('-|')).toBe('-#');
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -b
        observed  -?
                   ^

      at 1ms: b was expected, but ? came
        b  1
        ?  the span "a", 10ms, unset, trace of a

      the marbles differ

        expected  -#
        observed  -|
                   ^

      at 1ms: the error # was expected, but the end | came
    `);
  });

  it('marbles that break the grammar', async () => {
    expect(await failureOf(({ cold }) => cold('-a-(b-c)'))).toBe(text`
      these marbles cannot be read: no time passes inside of brackets

        -a-(b-c)
              ^
    `);
  });
});
