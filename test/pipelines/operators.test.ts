import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  bufferCount,
  concat,
  concatAll,
  delay,
  filter,
  finalize,
  last,
  map,
  mergeMap,
  NEVER,
  of,
  pipe,
  scan,
  take,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { type SpanPipelineOptions, spanPipeline, toMemory } from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

afterEach(() => diag.disable());

/** Runs a test in virtual time, with a pipeline that has these operators. */
function piped(
  operators: NonNullable<SpanPipelineOptions['operators']>,
  check: (piece: ReturnType<typeof parts> & { advanceBy: (millis: number) => Promise<void> }) => Promise<void>,
) {
  return virtualTime(({ advanceBy }) => check({ ...parts(operators), advanceBy }));
}

function parts(operators: NonNullable<SpanPipelineOptions['operators']>) {
  const told: string[] = [];
  const logger = {
    error() {},
    info() {},
    debug() {},
    verbose() {},
    warn: (message: string) => void told.push(message),
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const sink = toMemory<ReadableSpan>();
  const pipeline = spanPipeline({
    ...{ sink, operators, environment: {}, scheduledDelayMillis: 60_000 },
    ...{ exitDeadlineMillis: 0, warnIntervalMillis: 0 },
  });
  const end = (names: string) => {
    for (const name of names) pipeline.processor.onEnd(spanWith({ name }));
  };
  const arrived = () => sink.items.map(({ name }) => name).join('');
  return { pipeline, told, end, arrived };
}

const failing = (bad: string) =>
  map((span: ReadableSpan) => {
    if (bad.includes(span.name)) throw new Error(`no ${span.name}`);
    return span;
  });

describe('spanPipeline.operators', () => {
  test('run in order, and what a filter takes out is between', () =>
    piped(
      [filter(({ name }) => name !== 'b'), map((span) => ({ ...span, name: span.name.toUpperCase() }))],
      async ({ pipeline, end, arrived }) => {
        end('abc');
        await pipeline.forceFlush();
        expect(arrived()).toBe('AC');
        const stats = pipeline.stats();
        expect(stats).toMatchObject({ accepted: 3, delivered: 2, between: 1, pending: 0, lost: {} });
        expect(stats.stages.operators).toMatchObject({ offered: 3, accepted: 3, handedOn: 3, pending: 0 });
        expect(stats.places.map(({ stage, follows }) => `${stage} < ${follows}`)).toEqual([
          'fromSpanProcessor < ',
          'operators < fromSpanProcessor',
          'adaptiveBatch < operators',
          'exportTo(toMemory) < adaptiveBatch',
        ]);
      },
    ));

  test('without any, there is no stage for them', () =>
    piped([], async ({ pipeline, end, arrived }) => {
      end('a');
      await pipeline.forceFlush();
      expect(arrived()).toBe('a');
      expect(Object.keys(pipeline.stats().stages)).not.toContain('operators');
    }));

  test('what makes more of a span shows below zero', () =>
    piped([mergeMap((span) => of(span, span, span))], async ({ pipeline, end }) => {
      end('ab');
      await pipeline.forceFlush();
      expect(pipeline.stats()).toMatchObject({ accepted: 2, delivered: 6, between: -4 });
    }));

  test('a handle is refused, because what they take out has no answer', () =>
    piped([filter(() => true)], async ({ pipeline }) => {
      expect(() => pipeline.handle()).toThrow('spanPipeline.handle must be called on a pipeline without operators');
    }));

  test.each([
    [[filter(() => true), 'map'], 'spanPipeline.operators[1] must be an RxJS operator'],
    [filter(() => true), 'spanPipeline.operators must be an array of RxJS operators'],
  ])('are refused when they are none', (operators, message) => {
    expect(() => spanPipeline({ sink: toMemory(), operators: operators as never })).toThrow(message);
  });
});

describe('an operator that throws', () => {
  test('loses the span that it was given, is subscribed again, and is told', () =>
    piped([failing('bd')], async ({ pipeline, end, arrived, told, advanceBy }) => {
      end('abcde');
      await pipeline.forceFlush();
      await advanceBy(1);
      expect(arrived()).toBe('ace');
      const expected = { delivered: 3, lost: { operatorFailed: 2 }, between: 0, pending: 0, callbackErrors: 2 };
      expect(pipeline.stats()).toMatchObject(expected);
      expect(told.join()).toContain('operators[0] threw, and is subscribed again when the next item comes: no b');
      expect(told.join()).toContain('2 operatorFailed at operators');
    }));

  test('for every span is subscribed once for each, and leaves nothing behind', () => {
    const subscriptions = { all: 0, open: 0 };
    const counted = pipe(
      failing('x'),
      (source) => {
        subscriptions.all += 1;
        subscriptions.open += 1;
        return source;
      },
      finalize<ReadableSpan>(() => {
        subscriptions.open -= 1;
      }),
    );
    return piped([counted], async ({ pipeline, end }) => {
      end('xxxxx');
      await pipeline.forceFlush();
      expect(subscriptions).toEqual({ all: 5, open: 0 });
      expect(pipeline.stats()).toMatchObject({ delivered: 0, lost: { operatorFailed: 5 }, between: 0 });
    });
  });

  test('at once, when it is subscribed, loses each span, and is asked once for each', () => {
    let asked = 0;
    const atOnce = () => {
      asked += 1;
      return throwError(() => new Error('never'));
    };
    return piped([atOnce], async ({ pipeline, end }) => {
      end('ab');
      await pipeline.forceFlush();
      expect(asked).toBe(3); // at the start, and for each span
      expect(pipeline.stats()).toMatchObject({ lost: { operatorFailed: 2 }, between: 0 });
    });
  });

  test('when it is applied, likewise', () => {
    const broken = () => {
      throw new Error('no operator');
    };
    return piped([broken], async ({ pipeline, end, told }) => {
      end('a');
      await pipeline.forceFlush();
      expect(pipeline.stats()).toMatchObject({ lost: { operatorFailed: 1 }, between: 0 });
      expect(told.join()).toContain('no operator');
    });
  });

  test('begins anew, and the others keep what they have', () => {
    const joined = () =>
      scan((before, span: ReadableSpan) => ({ ...span, name: `${before.name}${span.name}` }), spanWith({ name: '' }));
    let asked = 0;
    const once = map((span: ReadableSpan) => {
      asked += 1;
      if (asked === 2) throw new Error('once');
      return span;
    });
    return piped([joined(), once, joined()], async ({ pipeline, end, arrived }) => {
      end('abc');
      await pipeline.forceFlush();
      expect(arrived()).toBe('aaabc'); // a, [ab is lost,] and a with abc
    });
  });

  test('after it has let the span out loses nothing', () => {
    const afterwards = mergeMap((span: ReadableSpan) =>
      span.name === 'b'
        ? concat(
            of(span),
            throwError(() => new Error('too late')),
          )
        : of(span),
    );
    return piped([afterwards], async ({ pipeline, end, arrived }) => {
      end('abc');
      await pipeline.forceFlush();
      expect(arrived()).toBe('abc');
      expect(pipeline.stats()).toMatchObject({ lost: {}, between: 0, callbackErrors: 1 });
    });
  });

  test('and is asynchronous loses all that has not come out', () =>
    piped(
      [mergeMap((span) => of(span).pipe(delay(span.name === 'b' ? 20 : 50), failing('b')))],
      async ({ pipeline, end, advanceBy }) => {
        end('bcd');
        await advanceBy(30);
        expect(pipeline.stats()).toMatchObject({ lost: { operatorFailed: 3 }, between: 0 });
        end('e');
        await advanceBy(60);
        await pipeline.forceFlush();
        expect(pipeline.stats()).toMatchObject({ delivered: 1, lost: { operatorFailed: 3 }, between: 0 });
      },
    ));

  test('without any span inside loses none', () =>
    piped([timeout({ each: 100 })], async ({ pipeline, end, arrived, advanceBy }) => {
      await advanceBy(1_000);
      end('a');
      await pipeline.forceFlush();
      expect(arrived()).toBe('a');
      expect(pipeline.stats()).toMatchObject({ lost: {}, callbackErrors: 1 });
    }));

  test('at the end does not keep the pipeline from ending', () =>
    piped([last(({ name }) => name === 'z')], async ({ pipeline, end, told }) => {
      end('a');
      await pipeline.shutdown();
      expect(pipeline.stats()).toMatchObject({ lost: { operatorFailed: 1 }, between: 0, pending: 0 });
      expect(told.join()).toContain('no elements in sequence');
    }));
});

describe('an operator that completes', () => {
  test('stays ended: what comes later is taken out, and that is told', () =>
    piped([map((span) => span), take(2)], async ({ pipeline, end, arrived, told }) => {
      end('abcd');
      await pipeline.forceFlush();
      expect(arrived()).toBe('ab');
      expect(pipeline.stats()).toMatchObject({ delivered: 2, between: 2, lost: {}, callbackErrors: 1 });
      expect(told.filter((text) => text.includes('operators[1] has completed'))).toHaveLength(1);
      await pipeline.shutdown();
    }));

  test('ends those behind it, which let out what they hold', () =>
    piped([take(2), pipe(toArray<ReadableSpan>(), concatAll())], async ({ pipeline, end, arrived }) => {
      end('abcd');
      await pipeline.forceFlush();
      expect(arrived()).toBe('ab');
    }));
});

describe('operators that hold spans', () => {
  test('let them out at the shutdown', () =>
    piped([pipe(bufferCount<ReadableSpan>(10), concatAll())], async ({ pipeline, end, arrived }) => {
      end('abc');
      await pipeline.shutdown();
      expect(arrived()).toBe('abc');
      expect(pipeline.stats()).toMatchObject({ delivered: 3, between: 0 });
    }));

  test('lose what they have not let out at its deadline, as far as it is known', () =>
    piped(
      [mergeMap((span) => (span.name === 'a' ? of(span).pipe(delay(1)) : NEVER))],
      async ({ pipeline, end, advanceBy }) => {
        end('abc');
        await advanceBy(10);
        await pipeline.shutdown({ deadlineMillis: 100 });
        expect(pipeline.stats()).toMatchObject({ delivered: 1, lost: { shutdown: 2 }, between: 0, pending: 0 });
      },
    ));

  test('are waited for by a flush', () =>
    piped([delay(200)], async ({ pipeline, end, arrived, advanceBy }) => {
      end('a');
      await advanceBy(300);
      end('bc');
      await pipeline.forceFlush();
      expect(arrived()).toBe('abc');
    }));

  test('beyond its timeout are named, and the next flush does not wait for them again', () =>
    piped(
      [mergeMap((span) => (span.name === 'a' ? of(span).pipe(delay(1)) : NEVER))],
      async ({ pipeline, end, advanceBy }) => {
        end('abc');
        await advanceBy(10);
        const flushed = pipeline.forceFlush({ timeoutMillis: 50 });
        await expect(flushed).rejects.toThrow(/hold items, or have taken them out, .*: up to 2 in operators\[0\]/);
        await pipeline.forceFlush({ timeoutMillis: 50 });
      },
    ));

  test('and have never let one out are told, because they cannot be told from a filter', () =>
    piped([filter(() => false)], async ({ pipeline, end, told }) => {
      end('ab');
      await pipeline.forceFlush();
      await pipeline.forceFlush();
      const without = 'forceFlush did not wait for items that operators of yours hold or have taken out';
      expect(told.filter((text) => text.includes(`${without}: 2 in operators[0]`))).toHaveLength(1);
    }));
});
