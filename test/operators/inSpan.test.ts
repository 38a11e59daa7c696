import { AsyncLocalStorage } from 'node:async_hooks';
import { context, diag, ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { defer, firstValueFrom, lastValueFrom, map, Observable, of, Subject, throwError, timer } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { boundedMergeMap, inSpan, retryWithBackoff } from '../../src/index.ts';
import { recordWarnings } from '../support/httpExports.ts';
import { useSynchronousContext } from '../support/httpTracing.ts';

interface Recorded {
  readonly tracer: Tracer;
  /** The span of this name that has ended. */
  span(name: string): ReadableSpan;
  /** The name of its parent; `none` if it has none. */
  parentOf(name: string): string;
}

/** The real SDK, until the test has ended. */
function recorded(): Recorded {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  onTestFinished(() => provider.shutdown());
  const spans = () => exporter.getFinishedSpans();
  const span = (name: string) => {
    const found = spans().find((each) => each.name === name);
    if (found === undefined) throw new Error(`no span ${name} has ended`);
    return found;
  };
  return {
    tracer: provider.getTracer('test'),
    span,
    parentOf: (name) => {
      const { parentSpanContext: parent } = span(name);
      const found = spans().find((each) => each.spanContext().spanId === parent?.spanId);
      return found?.name ?? (parent === undefined ? 'none' : 'not ended');
    },
  };
}

/** The real context manager, until the test has ended. */
function useContextManager(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
}

function activeSpanId(): string | undefined {
  return trace.getSpan(context.active())?.spanContext().spanId;
}

describe('inSpan with the real SDK', () => {
  test('what the source starts has the span as its parent: at once, after a promise, after a timer, at its teardown', async () => {
    useContextManager();
    const { tracer, parentOf } = recorded();
    const child = (name: string) => tracer.startSpan(name).end();
    const source = new Observable<string>((subscriber) => {
      child('at once');
      const ticks = timer(1).subscribe(async () => {
        child('after a timer');
        await Promise.resolve();
        child('after a promise');
        subscriber.next('done');
        subscriber.complete();
      });
      return () => {
        ticks.unsubscribe();
        child('at its teardown');
      };
    });
    await lastValueFrom(source.pipe(inSpan(tracer, 'work')));
    const children = ['at once', 'after a timer', 'after a promise', 'at its teardown'];
    expect(children.map(parentOf)).toEqual(children.map(() => 'work'));
    expect(parentOf('work')).toBe('none');
  });

  test('the active span of the subscriber is the parent, and is active again below', async () => {
    useContextManager();
    const { tracer, span, parentOf } = recorded();
    const seen: (string | undefined)[] = [];
    await tracer.startActiveSpan('request', async (request) => {
      const below = timer(1).pipe(
        inSpan(tracer, 'work'),
        map((value) => {
          seen.push(activeSpanId());
          tracer.startSpan('below').end();
          return value;
        }),
      );
      below.subscribe({ complete: () => seen.push(activeSpanId()) });
      seen.push(activeSpanId());
      await lastValueFrom(below);
      request.end();
    });
    expect(new Set(seen)).toEqual(new Set([span('request').spanContext().spanId]));
    expect([parentOf('work'), parentOf('below')]).toEqual(['request', 'request']);
  });

  test('nothing leaks to the subscriber: not after the subscribing, and not with values, an error or the end', async () => {
    useContextManager();
    const { tracer } = recorded();
    const seen: (string | undefined)[] = [];
    const see = () => seen.push(activeSpanId());
    const observer = { next: see, error: see, complete: see };
    const both = [of(1), timer(1), throwError(() => 'no'), defer(() => Promise.reject(new Error('no')))];
    for (const source of both) {
      source.pipe(inSpan(tracer, 'work')).subscribe(observer);
      see();
    }
    await lastValueFrom(timer(5));
    // Values and ends of the first two, errors of the others, and one look after each subscribing.
    expect(seen).toEqual(Array(2 + 2 + 1 + 1 + 4).fill(undefined));
  });

  test('a hot source brings its values to the context of the subscriber', () => {
    useContextManager();
    const { tracer } = recorded();
    const source = new Subject<number>();
    const seen: (string | undefined)[] = [];
    source.pipe(inSpan(tracer, 'work')).subscribe(() => seen.push(activeSpanId()));
    tracer.startActiveSpan('of whoever emits', (span) => {
      source.next(1);
      span.end();
    });
    expect(seen).toEqual([undefined]);
  });

  test('other asynchronous stores stay as they are', () => {
    useContextManager();
    const { tracer } = recorded();
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const source = defer(() => of(seen.push(store.getStore())));
    store.run('mine', () => source.pipe(inSpan(tracer, 'work')).subscribe(() => seen.push(store.getStore())));
    expect(seen).toEqual(['mine', 'mine']);
  });

  test('several at a time have a span each, with children of their own', async () => {
    useContextManager();
    const { tracer, parentOf } = recorded();
    const work = (id: number) =>
      timer(3 - id).pipe(
        map(() => tracer.startSpan(`child ${id}`).end()),
        inSpan(tracer, `work ${id}`),
      );
    await lastValueFrom(of(0, 1, 2).pipe(boundedMergeMap(work)));
    expect([0, 1, 2].map((id) => parentOf(`child ${id}`))).toEqual(['work 0', 'work 1', 'work 2']);
  });

  test('above a retry each attempt has a span; below it, all have one', async () => {
    useContextManager();
    const { tracer, span, parentOf } = recorded();
    let attempts = 0;
    const source = defer(() => (attempts++ === 0 ? throwError(() => new Error('later')) : of('ok')));
    const retried = source.pipe(
      inSpan(tracer, 'attempt', { attributes: { of: 'retry' } }),
      retryWithBackoff({ random: () => 0 }),
      inSpan(tracer, 'whole'),
    );
    expect(await firstValueFrom(retried)).toBe('ok');
    expect(span('attempt').status).toEqual({ code: SpanStatusCode.ERROR, message: 'later' });
    expect(span('attempt').events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'later' } }]);
    expect(span('attempt').attributes).toEqual({ of: 'retry' });
    expect(span('whole').status).toEqual({ code: SpanStatusCode.UNSET });
    expect(parentOf('attempt')).toBe('whole');
  });

  test('an error that is no Error is recorded by its text', async () => {
    const { tracer, span } = recorded();
    await lastValueFrom(throwError(() => 'no').pipe(inSpan(tracer, 'work'))).catch(() => {});
    expect(span('work').status).toEqual({ code: SpanStatusCode.ERROR, message: 'no' });
    expect(span('work').events).toMatchObject([{ attributes: { 'exception.message': 'no' } }]);
  });

  test('without a context manager there are spans, and no children', async () => {
    const { tracer, parentOf } = recorded();
    await lastValueFrom(defer(() => of(tracer.startSpan('child').end())).pipe(inSpan(tracer, 'work')));
    expect([parentOf('work'), parentOf('child')]).toEqual(['none', 'none']);
    expect(context.active()).toBe(ROOT_CONTEXT);
  });

  test('with a context manager of synchronous calls, what happens at once is inside', () => {
    useSynchronousContext();
    const { tracer, parentOf } = recorded();
    defer(() => of(tracer.startSpan('child').end()))
      .pipe(inSpan(tracer, 'work'))
      .subscribe();
    expect(parentOf('child')).toBe('work');
  });

  test('a tracer that throws is told, and the source goes on', async () => {
    useContextManager();
    const warnings = recordWarnings();
    onTestFinished(() => diag.disable());
    const failing = () => {
      throw new Error('mine');
    };
    const tracer = { startSpan: failing, startActiveSpan: failing } as unknown as Tracer;
    expect(await lastValueFrom(of(1).pipe(inSpan(tracer, 'work')))).toBe(1);
    expect(warnings).toEqual(['spanflow: inSpan: the tracer threw: mine']);
  });
});
