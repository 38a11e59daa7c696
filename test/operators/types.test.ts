import { filter, firstValueFrom, from, map, mergeMap, type Observable, of, range, Subject, tap } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { backpressure, boundedMergeMap, type Merged, type MergeOrder, safely } from '../../src/streams.ts';

interface Order {
  readonly id: number;
  readonly customer: string;
}

const orders = from<Order[]>([
  { id: 1, customer: 'ada' },
  { id: 2, customer: 'bob' },
]);

describe('types of boundedMergeMap', () => {
  test('the item and the values are inferred through pipe', () => {
    const merged = orders.pipe(boundedMergeMap((order) => of(order.customer.length)));
    expectTypeOf(merged).toEqualTypeOf<Observable<Merged<Order, number>>>();
  });

  test('project may make a promise, an array, or one of several', () => {
    expectTypeOf(orders.pipe(boundedMergeMap(async ({ id }) => id))).toEqualTypeOf<Observable<Merged<Order, number>>>();
    expectTypeOf(orders.pipe(boundedMergeMap(({ customer }) => [customer]))).toEqualTypeOf<
      Observable<Merged<Order, string>>
    >();
    const either = orders.pipe(boundedMergeMap((order, index) => (index > 0 ? of(order.id) : [order.customer])));
    expectTypeOf(either).toEqualTypeOf<Observable<Merged<Order, string | number>>>();
  });

  test('the type of a result narrows by its kind', () =>
    orders.pipe(boundedMergeMap(({ id }) => of(id))).subscribe((result) => {
      expectTypeOf(result.item).toEqualTypeOf<Order>();
      expectTypeOf(result.values).toEqualTypeOf<readonly number[]>();
      if (result.kind === 'failed') expectTypeOf(result.error).toBeUnknown();
      // @ts-expect-error: what completed has no error
      else expect(result.error).toBeUndefined();
    }));

  test('a key is given the item', () => {
    const perCustomer = boundedMergeMap((order: Order) => of(order), { order: { key: (order) => order.customer } });
    expectTypeOf(orders.pipe(perCustomer)).toEqualTypeOf<Observable<Merged<Order, Order>>>();
    orders.pipe(boundedMergeMap(({ id }) => of(id), { order: { key: ({ customer }) => customer } }));
    expectTypeOf<{ key: (order: Order) => string }>().toExtend<MergeOrder<Order>>();
  });

  test('wrong options do not compile', () => {
    const none = () => of();
    // @ts-expect-error: a name that there is none
    expect(() => boundedMergeMap(none, { concurrent: 2 })).toThrow();
    // @ts-expect-error: not an order
    expect(() => boundedMergeMap(none, { order: 'reverse' })).toThrow();
    // @ts-expect-error: not a limit
    expect(() => boundedMergeMap(none, { concurrency: '2' })).toThrow();
    // @ts-expect-error: not a policy
    expect(() => boundedMergeMap(none, { overflow: 'drop' })).toThrow();
    // @ts-expect-error: nothing to subscribe to
    orders.pipe(boundedMergeMap(({ id }) => id)).subscribe();
    // @ts-expect-error: no such property of the item
    orders.pipe(boundedMergeMap(({ name }) => of(name)));
  });
});

describe('types of backpressure', () => {
  test('the item passes through', () => {
    const held = orders.pipe(backpressure({ demand: of(1), onLoss: (_loss, items) => void items[0]?.customer }));
    expectTypeOf(held).toEqualTypeOf<Observable<Order>>();
  });

  test('wrong options do not compile', () => {
    // @ts-expect-error: there has to be a demand
    expect(() => backpressure({})).toThrow();
    // @ts-expect-error: a demand is an Observable
    expect(() => backpressure({ demand: 5 })).toThrow();
    // @ts-expect-error: of numbers
    backpressure({ demand: new Subject<string>() });
    // @ts-expect-error: a name that there is none
    expect(() => backpressure({ demand: of(1), queueSize: 5 })).toThrow();
  });
});

describe('types of safely', () => {
  test('map: the argument is inferred, and the fallback is in the result', () => {
    const noFallback = orders.pipe(map(safely((order) => order.customer)));
    expectTypeOf(noFallback).toEqualTypeOf<Observable<string | undefined>>();
    const same = orders.pipe(map(safely((order) => order.customer, { fallback: () => '?' })));
    expectTypeOf(same).toEqualTypeOf<Observable<string>>();
    const itself = orders.pipe(map(safely(({ id }) => id, { fallback: (_error, order) => order })));
    expectTypeOf(itself).toEqualTypeOf<Observable<number | Order>>();
  });

  test('callbacks may take as many arguments as they like', () => {
    const onError = (error: unknown) => void error;
    const one = orders.pipe(map(safely((order) => order.id, { onError, fallback: (error) => String(error) })));
    expectTypeOf(one).toEqualTypeOf<Observable<number | string>>();
    const all = orders.pipe(
      map(safely(({ id }, index) => id + index, { onError: (_error, { id }, index) => id + index })),
    );
    expectTypeOf(all).toEqualTypeOf<Observable<number | undefined>>();
    const given = safely((order: Order) => order.id, { fallback: (error, order) => [error, order] as const });
    expectTypeOf(given).returns.toEqualTypeOf<number | readonly [unknown, Order]>();
  });

  test('filter: does not compile without a fallback', () => {
    const kept = orders.pipe(filter(safely((order) => order.id > 1, { fallback: () => true })));
    expectTypeOf(kept).toEqualTypeOf<Observable<Order>>();
    // @ts-expect-error: undefined is no verdict
    orders.pipe(filter(safely((order) => order.id > 1)));
  });

  test('tap, and the index of an item', () => {
    const tapped = orders.pipe(tap(safely((order) => void order.id)));
    expectTypeOf(tapped).toEqualTypeOf<Observable<Order>>();
    const numbered = range(5, 2).pipe(map(safely((value, index) => [value, index] as const, { fallback: () => null })));
    expectTypeOf(numbered).toEqualTypeOf<Observable<readonly [number, number] | null>>();
  });

  test('a promise stays one, and resolves with the fallback', async () => {
    const answer = orders.pipe(mergeMap(safely(async ({ id }) => id, { fallback: () => null })));
    expectTypeOf(answer).toEqualTypeOf<Observable<number | null>>();
    expect(await firstValueFrom(answer)).toBe(1);
  });

  test('the wrapped function has the same arguments, and counts', () => {
    const parse = safely((text: string, radix?: number) => Number.parseInt(text, radix), { fallback: () => 0 });
    expectTypeOf(parse).parameters.toEqualTypeOf<[text: string, radix?: number | undefined]>();
    expectTypeOf(parse).returns.toEqualTypeOf<number>();
    expectTypeOf(parse.errors).toEqualTypeOf<number>();
    // @ts-expect-error: it only counts
    expect(() => (parse.errors = 0)).toThrow();
    // @ts-expect-error: not a number
    parse(5);
  });

  test('wrong options do not compile', () => {
    // @ts-expect-error: a fallback is a function
    expect(() => safely(() => 1, { fallback: 1 })).toThrow();
    // @ts-expect-error: a name that there is none
    expect(() => safely(() => 1, { otherwise: () => 2 })).toThrow();
  });
});
