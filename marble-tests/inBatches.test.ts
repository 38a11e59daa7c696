import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  delay,
  filter,
  type MonoTypeOperatorFunction,
  map,
  mergeMap,
  type Observable,
  of,
  Subject,
  take,
  tap,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  createLedger,
  exportTo,
  type Hold,
  type InBatchesOptions,
  inBatches,
  rebatch,
  runPipeline,
  type Tally,
  toMemory,
} from '../src/index.ts';
import { withAttributes } from '../src/model/changedSpan.ts';
import { decodeTraces, encodeTraces, viewTraces } from '../src/otlp/index.ts';
import { redact, tailSample } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { tallyOf, throwing } from './support.ts';

type Named = { readonly name: string };

const without = (...names: readonly string[]) => filter(({ name }: Named) => !names.includes(name));

/** A batch that says what its maker is told. */
function heldBatch<T>(items: readonly T[], told: Tally[]): Batch<T> {
  const hold = (): Hold => ({ ready: () => {}, settle: (tally) => told.push(tally) });
  return { items, bytes: 10 * items.length, closedBy: 'count', hold };
}

/** What becomes of the batches: the items of those that come out, and what the makers of the others are told. */
function passed<T, R>(operator: ReturnType<typeof inBatches<T, R>>, batches: readonly (readonly T[])[]) {
  const told: Tally[] = [];
  const source = new Subject<Batch<T>>();
  const seen: Batch<R>[] = [];
  const failures: unknown[] = [];
  source.pipe(operator).subscribe({ next: (batch) => seen.push(batch), error: (thrown) => failures.push(thrown) });
  const given = batches.map((items) => heldBatch(items, told));
  for (const batch of given) source.next(batch);
  return { given, seen, told, failures, source };
}

const same = <T>() => inBatches<T, T>(tap<T>());

describe('inBatches', () => {
  test('takes items out of batches, and a batch of which nothing is left is not emitted', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions, diagram }) => {
      diagram('inBatches', { title: 'inBatches: filter takes b and d out' });
      const source = hotBatches('-[abc]-[d]-[ef]-|');
      const subs = '             ^---------------!';
      const expected = '         -[ac]------[ef]-|';
      expectBatches(source.pipe(inBatches(without('b', 'd')))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('the holds of a batch are passed on, and one of which nothing is left is settled as removed', () => {
    const { seen, told } = passed(inBatches(filter((n: number) => n > 1)), [
      [1, 2, 3],
      [0, 1],
    ]);
    expect(seen.map(({ items, bytes }) => [items, bytes])).toEqual([[[2, 3], 20]]);
    expect(told).toMatchObject([{ delivered: 0, rejected: 0, lost: [] }]);
    seen[0]?.hold().settle(tallyOf(2));
    expect(told[1]).toEqual(tallyOf(2));
  });

  test('received items keep the bytes of their batch while one is left, since it keeps their whole request', () => {
    const received = viewTraces(encodeTraces(['a', 'b', 'c'].map((name) => spanWith({ name }))));
    const keepA = filter<ReadableSpan>(({ name }) => name === 'a');
    const bytesOf = (...operators: MonoTypeOperatorFunction<ReadableSpan>[]) =>
      passed(inBatches(...operators), [received]).seen.map(({ items, bytes }) => [items.length, bytes]);
    expect(bytesOf(keepA)).toEqual([[1, 30]]);
    const changed = received.map((span) => withAttributes(span, { region: 'eu' }));
    expect(passed(inBatches(keepA), [changed]).seen[0]?.bytes).toBe(30);
    expect(bytesOf(mergeMap((span) => [span, span]))).toEqual([[6, 60]]);
    const decoded = decodeTraces(encodeTraces(received));
    expect(passed(inBatches(keepA), [decoded]).seen[0]?.bytes).toBe(10);
  });

  test('the very batch goes on where its very items come out', () => {
    const { given, seen } = passed(inBatches(tap<number>()), [[1, 2]]);
    expect(seen[0]).toBe(given[0]);
    expect(passed(inBatches<number>(), [[1]]).seen[0]?.items).toEqual([1]);
  });

  test('each batch is a stream of its own for the operators', () => {
    const first = passed(inBatches(take<number>(1), map(String)), [
      [1, 2],
      [3, 4],
    ]);
    expect(first.seen.map(({ items }) => items)).toEqual([['1'], ['3']]);
  });

  test('an asynchronous operator is an error that says what to do, and the batch is not answered as if it had arrived', () => {
    const { seen, told, failures } = passed(inBatches(delay<number>(0)), [[1, 2]]);
    expect(seen).toEqual([]);
    expect(told).toMatchObject([{ delivered: 0, lost: [{ count: 2, reason: 'operatorFailed', stage: 'inBatches' }] }]);
    expect(failures).toMatchObject([
      {
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/^inBatches\.operators must be synchronous .* mergeMap\(.*adaptiveBatch\(\)$/),
      },
    ]);
  });

  test('an operator that lets go at the end of its source does so at the end of each batch: tailSample decides each alone', () => {
    const ofTrace = (name: string, code: number) => spanWith({ name, status: { code } });
    const errors = tailSample({ policies: [{ kind: 'errors' }] });
    const { seen, told } = passed(inBatches(errors), [
      [ofTrace('fine', 0), ofTrace('failed', 2)],
      [ofTrace('late', 0)],
    ]);
    expect(seen.map(({ items }) => items.map(({ name }) => name))).toEqual([['fine', 'failed']]);
    expect(told).toMatchObject([{ delivered: 0, lost: [] }]);
  });

  test('takes options behind its operators: its books, its name, and who is told', () => {
    const ledger = createLedger();
    const lost: unknown[] = [];
    const thrown: unknown[] = [];
    const options: InBatchesOptions<number> = {
      ...{ ledger, name: 'odd' },
      onLoss: (loss, items) => lost.push([loss, items]),
      onCallbackError: (error) => thrown.push(error),
    };
    const odd = map((n: number) => (n % 2 === 1 ? n : throwing()));
    const { seen } = passed(inBatches(odd, options), [
      [1, 3],
      [1, 2],
    ]);
    expect(seen.map(({ items }) => items)).toEqual([[1, 3]]);
    expect(lost).toEqual([[{ count: 2, reason: 'operatorFailed', stage: 'odd' }, [1, 2]]]);
    expect(thrown).toEqual([new Error('mine')]);
    expect(ledger.stats()).toMatchObject({ callbackErrors: 1, stages: { odd: { accepted: 2, handedOn: 2 } } });
    expect(passed(inBatches<number>(options), [[2]]).seen[0]?.items).toEqual([2]);
    expect(passed(inBatches(odd, undefined), [[1]]).seen[0]?.items).toEqual([1]);
    const ofFour = inBatches(odd, map(String), map(Number), filter<number>(Boolean), options);
    expect(passed(ofFour, [[5]]).seen[0]?.items).toEqual([5]);
  });

  test('what is no operator, and an option that is unknown, are refused at the call', () => {
    expect(() => inBatches({ nam: 'x' } as never)).toThrow('inBatches.nam');
    expect(() => inBatches(3 as never)).toThrow('inBatches.operators[0] must be a function, but was given 3');
  });
});

describe('inBatches in a run', () => {
  const spans = ['a', 'b', 'c', 'd'].map((name) => spanWith({ name, attributes: { pin: 1 } }));

  test('its operators keep their books in those of the run, at their places, and a flush waits for none of them', async () => {
    const sink = toMemory<(typeof spans)[number]>();
    const source = new Subject<typeof spans>();
    const operators = [redact({ keys: ['pin'] }), without('b', 'd') as never];
    const outcomes$ = source.pipe(inBatches(...operators), rebatch(), exportTo(sink));
    const pipeline = runPipeline(source, outcomes$);
    source.next(spans);
    await pipeline.forceFlush({ timeoutMillis: 5_000 });
    source.next(spans);
    await pipeline.forceFlush({ timeoutMillis: 5_000 });
    expect(sink.items.map(({ name, attributes }) => [name, attributes])).toEqual(
      ['a', 'c', 'a', 'c'].map((name) => [name, { pin: '[redacted]' }]),
    );
    const { stages, places, delivered, between, pending } = pipeline.stats();
    expect(places.map(({ stage, follows }) => [stage, follows])).toEqual([
      ['redact', []],
      ['inBatches', ['redact']],
      ['rebatch', ['inBatches']],
      ['exportTo(toMemory)', ['rebatch']],
    ]);
    expect([stages.redact?.handedOn, stages.inBatches?.accepted, delivered, between, pending]).toEqual([8, 4, 4, 4, 0]);
    await pipeline.shutdown();
  });

  test('an operator that throws costs its batch, is told, and the pipeline goes on', async () => {
    const sink = toMemory<(typeof spans)[number]>();
    const source = new Subject<typeof spans>();
    const failing = map((span: (typeof spans)[0]) => (span.name === 'c' ? throwing() : span));
    const pipeline = runPipeline(source, source.pipe(inBatches(failing), rebatch(), exportTo(sink)));
    source.next(spans.slice(0, 2));
    source.next(spans.slice(1));
    source.next(spans.slice(3));
    await pipeline.forceFlush({ timeoutMillis: 5_000 });
    expect(sink.items.map(({ name }) => name)).toEqual(['a', 'b', 'd']);
    expect(pipeline.stats()).toMatchObject({
      callbackErrors: 1,
      stages: { inBatches: { refused: { operatorFailed: 3 } } },
    });
    await pipeline.shutdown();
  });
});

describe('inBatches: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-');
      const subs = '             ^----!';
      const expected = '         ------';
      expectBatches(source.pipe(same()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('--|');
      const subs = '             ^-!';
      const expected = '         --|';
      expectBatches(source.pipe(same())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted at once', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[a]-|');
      const subs = '             ^----!';
      const expected = '         -[a]-|';
      expectBatches(source.pipe(same())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: keep their order, within a batch and from one to the next', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[ab][cd]-[e]-|');
      const subs = '             ^-------------!';
      const expected = '         -[ab][cd]-[e]-|';
      expectBatches(source.pipe(same())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: passes', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[a]-#');
      const subs = '             ^----!';
      const expected = '         -[a]-#';
      expectBatches(source.pipe(same())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: unsubscribes the source', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[a]--[b]-[c]-');
      const subs = '             ^-------!';
      const expected = '         -[a]--[b]-';
      expectBatches(source.pipe(same()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: the batch is lost as a whole, its maker is told, and the next one goes on', () => {
    const operator = inBatches(map((n: number) => (n === 2 ? throwing() : n)));
    const { seen, told, failures } = passed(operator, [[1, 2, 3], [4]]);
    expect(seen.map(({ items }) => items)).toEqual([[4]]);
    expect(told).toMatchObject([{ lost: [{ count: 3, reason: 'operatorFailed', stage: 'inBatches' }] }]);
    expect(failures).toEqual([]);
  });

  test('synchronous re-entrancy: a batch during which an operator unsubscribes is lost, and its maker is told', () => {
    const told: Tally[] = [];
    const source = new Subject<Batch<number>>();
    const operator = inBatches(tap<number>((n) => n === 2 && subscription.unsubscribe()));
    const seen: unknown[] = [];
    const subscription = source.pipe(operator).subscribe((batch) => seen.push(batch));
    source.next(heldBatch([1, 2, 3], told));
    expect(told).toMatchObject([{ delivered: 0, lost: [{ count: 3, reason: 'unsubscribed', stage: 'inBatches' }] }]);
    expect(seen).toEqual([]);
  });

  test('synchronous re-entrancy: a batch that comes during an emission is emitted within it, as map does', () => {
    const source = new Subject<readonly number[]>();
    const log: string[] = [];
    const batches$: Observable<Batch<number>> = source.pipe(same<number>());
    batches$.subscribe(({ items: [first] }) => {
      log.push(`<${first}`);
      if (first === 1) source.next([2]);
      log.push('>');
    });
    source.next([1]);
    expect(log).toEqual(['<1', '<2', '>', '>']);
  });
});

describe('inBatches', () => {
  test('a source that ends within the subscription', () => {
    const seen: unknown[] = [];
    of([1], [2])
      .pipe(same<number>())
      .subscribe({ next: ({ items }) => seen.push(items), complete: () => seen.push('|') });
    expect(seen).toEqual([[1], [2], '|']);
  });
});
