import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { delay, filter, map, mergeMap, type Observable, type OperatorFunction, of, Subject } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import {
  adaptiveBatch,
  type Batch,
  channel,
  exponentialBackoff,
  exportTo,
  failover,
  fanOut,
  firstOf,
  fromAsyncIterable,
  fromSpanProcessor,
  type MemorySink,
  type ObservableSink,
  type Outcome,
  otlpHttp,
  type RoutedOutcome,
  type RunningPipeline,
  raceTimeout,
  retryWithBackoff,
  runPipeline,
  type Sink,
  type SpanPipeline,
  spanPipeline,
  type Tally,
  toConsole,
  toMemory,
  withItems,
} from '../src/index.ts';

interface Order {
  readonly id: number;
}

declare const orders$: Observable<Order>;
declare const orderSink: Sink<Order>;

/** Compiled, and never run. */
function unrun(_code: () => void): void {}

describe('types', () => {
  test('operators infer their item through pipe', () => {
    unrun(() => {
      expectTypeOf(orders$.pipe(adaptiveBatch())).toEqualTypeOf<Observable<Batch<Order>>>();
      expectTypeOf(orders$.pipe(adaptiveBatch(), exportTo(orderSink))).toEqualTypeOf<Observable<Outcome<Order>>>();
      expectTypeOf(orders$.pipe(raceTimeout({ millis: 5 }), retryWithBackoff())).toEqualTypeOf<Observable<Order>>();
      expectTypeOf(of([{ id: 1 }]).pipe(exportTo(orderSink))).toEqualTypeOf<Observable<Outcome<Order>>>();
      const names = orders$.pipe(
        filter((order) => order.id > 1),
        adaptiveBatch({ sizeOf: (order) => order.id, onLoss: (_loss, items) => void items[0]?.id }),
        map((batch) =>
          withItems(
            batch,
            batch.items.map((order) => `order ${order.id}`),
          ),
        ),
        exportTo(toMemory<string>()),
      );
      expectTypeOf(names).toEqualTypeOf<Observable<Outcome<string>>>();
    });
  });

  test('a fan-out infers its item from its sinks, and its outcomes have a route', () => {
    unrun(() => {
      const fanned = orders$.pipe(
        adaptiveBatch(),
        fanOut({
          main: orderSink,
          few: { sink: orderSink, filter: (order) => order.id > 1, batching: { sizeOf: (order) => order.id } },
          either: failover(orderSink, firstOf([orderSink, toMemory<Order>()])),
        }),
      );
      expectTypeOf(fanned).toEqualTypeOf<Observable<RoutedOutcome<Order>>>();
      // @ts-expect-error a sink of something else
      orders$.pipe(adaptiveBatch(), fanOut({ main: orderSink, other: toMemory<string>() }));
      // @ts-expect-error a queue of batches cannot end the stream
      fanOut({ main: { sink: orderSink, overflow: 'error' } });
      // @ts-expect-error one sink, or several
      spanPipeline({ sink: otlpHttp(), sinks: { main: otlpHttp() } });
    });
  });

  test('inputs and sinks say what they carry', () => {
    unrun(() => {
      expectTypeOf(fromSpanProcessor().spans$).toEqualTypeOf<Observable<ReadableSpan>>();
      expectTypeOf(fromAsyncIterable([1, 2])).toEqualTypeOf<Observable<number>>();
      expectTypeOf(otlpHttp()).toEqualTypeOf<ObservableSink<ReadableSpan>>();
      expectTypeOf(toMemory<Order>()).toEqualTypeOf<MemorySink<Order>>();
      expectTypeOf(toConsole()).toEqualTypeOf<ObservableSink<ReadableSpan>>();
      expectTypeOf(spanPipeline({ sink: otlpHttp() })).toEqualTypeOf<SpanPipeline>();
      expectTypeOf<Outcome<Order>>().toExtend<Tally>();
    });
  });

  test('a stage that does not fit the one before does not compile', () => {
    unrun(() => {
      // @ts-expect-error the sink takes spans
      orders$.pipe(adaptiveBatch(), exportTo(otlpHttp()));
      // @ts-expect-error an export takes batches or arrays
      orders$.pipe(exportTo(orderSink));
      // @ts-expect-error a pipeline takes spans
      spanPipeline({ sink: orderSink });
    });
  });

  test('wrong options do not compile', () => {
    unrun(() => {
      // @ts-expect-error an encoding, not the name of a protocol
      otlpHttp({ encoding: 'http/json' });
      // @ts-expect-error no such option
      adaptiveBatch({ maxQueuSize: 5 });
      // @ts-expect-error a number
      adaptiveBatch({ maxQueueSize: '5' });
      // @ts-expect-error no such policy
      adaptiveBatch({ overflow: 'drop' });
      // @ts-expect-error a strategy is made for each subscription
      adaptiveBatch({ strategy: { size: 5 } });
      // @ts-expect-error a backoff
      exportTo(orderSink, { retry: { backoff: 500 } });
      // @ts-expect-error no such jitter
      exponentialBackoff({ jitter: 'some' });
      // @ts-expect-error how long is not left open
      raceTimeout({ bounds: 'first' });
      // @ts-expect-error no such bound
      raceTimeout({ millis: 5, bounds: 'last' });
      // @ts-expect-error a failure, not a flag
      retryWithBackoff({ classify: () => true });
      // @ts-expect-error a ring cannot error: there is nobody to tell
      fromSpanProcessor({ overflow: 'error' });
      // @ts-expect-error a sink is what it cannot do without
      spanPipeline({});
    });
  });

  test('an operator is what RxJS calls one', () => {
    unrun(() => {
      const batches: OperatorFunction<Order, Batch<Order>> = adaptiveBatch({ flushWhen: new Subject<void>() });
      expectTypeOf(batches).toBeFunction();
    });
  });

  test('operators of a pipeline take spans and make spans', () => {
    unrun(() => {
      const sink = toMemory<ReadableSpan>();
      const input = fromSpanProcessor();
      spanPipeline({ sink, operators: [filter((span) => span.name !== ''), map((span) => ({ ...span, name: 'x' }))] });
      spanPipeline({ sink, operators: [delay(5), mergeMap((span) => of(span, span))] });
      // @ts-expect-error: a name is no span
      spanPipeline({ sink, operators: [map((span) => span.name)] });
      // @ts-expect-error: a predicate is no operator
      spanPipeline({ sink, operators: [(span: ReadableSpan) => span.name !== ''] });
      // @ts-expect-error: one operator is no array
      spanPipeline({ sink, operators: filter((span: ReadableSpan) => span.name !== '') });
      const run = runPipeline(input, input.spans$.pipe(adaptiveBatch(), exportTo(sink)));
      expectTypeOf(run).toEqualTypeOf<RunningPipeline<Outcome<ReadableSpan>>>();
      const orders = channel<Order>();
      const counts = runPipeline(
        orders,
        orders.items$.pipe(
          adaptiveBatch(),
          exportTo(orderSink),
          map(() => 1),
        ),
      );
      expectTypeOf(counts.outcomes$).toEqualTypeOf<Observable<number>>();
      runPipeline(orders$, orders$.pipe(adaptiveBatch(), fanOut({ main: orderSink })));
      // @ts-expect-error: an operator is no composition
      runPipeline(orders, exportTo(orderSink));
    });
  });
});
