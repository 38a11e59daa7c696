import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Observable, Subject, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { throwing } from '../../marble-tests/support.ts';
import { AttemptLine } from '../../src/destination/attemptLine.ts';
import { QUEUE_MARKS } from '../../src/flow/waterMarks.ts';
import { createGate, type Loss } from '../../src/index.ts';
import { type BoundedMergeMapOptions, boundedMergeMap, type Merged } from '../../src/streams.ts';
import { randomRuns } from '../support/randomRuns.ts';

const RUNS = randomRuns(250);

interface Item {
  readonly id: number;
  readonly key: number;
}

/** How an inner goes: when it ends, how, and how many values it has before. */
interface Inner {
  readonly kind: 'completes' | 'fails' | 'throws' | 'never';
  readonly delayMillis: number;
  readonly values: number;
}

type Event =
  | { readonly kind: 'items'; readonly atMillis: number; readonly keys: readonly number[] }
  | { readonly kind: 'limit'; readonly atMillis: number; readonly limit: number }
  | { readonly kind: 'complete' | 'error' | 'unsubscribe'; readonly atMillis: number };

interface Schedule {
  readonly events: readonly Event[];
  readonly inners: readonly Inner[];
  readonly order: 'completion' | 'source' | 'key';
  readonly overflow: 'dropNewest' | 'dropOldest' | 'error';
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
  /** An item whose result brings another item, from within its `next`. */
  readonly echoes: boolean;
}

const atMillis = fc.integer({ min: 0, max: 60 });

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('items' as const),
      atMillis,
      keys: fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('limit' as const), atMillis, limit: fc.integer({ min: -1, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('complete' as const, 'error' as const, 'unsubscribe' as const),
      atMillis,
    }),
  },
);

const schedules: fc.Arbitrary<Schedule> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 20 }),
  inners: fc.array(
    fc.record({
      kind: fc.oneof(
        { weight: 6, arbitrary: fc.constant('completes' as const) },
        { weight: 2, arbitrary: fc.constant('fails' as const) },
        { weight: 1, arbitrary: fc.constant('throws' as const) },
        { weight: 1, arbitrary: fc.constant('never' as const) },
      ),
      delayMillis: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
      values: fc.nat(5),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  order: fc.constantFrom('completion' as const, 'source' as const, 'key' as const),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const, 'error' as const),
  maxQueueSize: fc.integer({ min: 1, max: 8 }),
  maxQueueBytes: fc.integer({ min: 2, max: 16 }),
  echoes: fc.boolean(),
});

/** More values than this and the item has failed. */
const MAX_VALUES = 4;

/** An item's bytes: 0 to 3. */
const sizeOf = ({ id }: Item) => id % 4;
const MOST_BYTES = 3;

/** One run of a schedule, and the books that are kept of it from outside. */
class World {
  readonly scheduler = new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);
  readonly gate = createGate();
  readonly source = new Subject<Item>();
  readonly limits = new Subject<number>();
  readonly results: Merged<Item, number>[] = [];
  readonly lost = new Map<number, string>();
  readonly begun: Item[] = [];
  readonly running = new Set<Item>();
  readonly told: unknown[] = []; // to `onCallbackError`
  badLimits = 0; // emitted while somebody listened
  readonly violations: string[] = [];
  offered = 0;
  mostLimit = 1;
  limit = 1;
  ended: 'complete' | 'error' | 'unsubscribed' | undefined;
  emitting = false;
  readonly #schedule: Schedule;
  #unsubscribe = () => {};

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  run(): this {
    const { events, order, overflow, maxQueueSize, maxQueueBytes } = this.#schedule;
    const merged = this.source.pipe(
      boundedMergeMap((item) => this.#inner(item), {
        concurrency: this.limits,
        order: order === 'key' ? { key: (item) => item.key } : order,
        overflow,
        maxQueueSize,
        maxQueueBytes,
        sizeOf,
        maxValuesPerItem: MAX_VALUES,
        gate: this.gate,
        onLoss: ({ reason }, items) => {
          for (const { id } of items) this.#lose(id, reason);
        },
        onCallbackError: (thrown) => this.told.push(thrown),
      }),
    );
    const subscription = merged.subscribe({
      next: (result) => this.#hear(result),
      error: () => this.#end('error'),
      complete: () => this.#end('complete'),
    });
    for (const one of events) this.scheduler.schedule(() => this.#act(one), one.atMillis);
    this.#unsubscribe = () => {
      this.ended ??= 'unsubscribed';
      subscription.unsubscribe();
    };
    // Whatever hangs is given up at last.
    this.scheduler.schedule(() => this.#unsubscribe(), 5_000);
    this.scheduler.flush();
    return this;
  }

  #act(one: Event): void {
    if (one.kind === 'items') for (const key of one.keys) this.#offer(key);
    else if (one.kind === 'limit') {
      if (one.limit >= 0) this.limit = one.limit;
      else if (this.limits.observed) this.badLimits += 1;
      this.mostLimit = Math.max(this.mostLimit, this.limit);
      this.limits.next(one.limit);
    } else if (one.kind === 'complete') this.source.complete();
    else if (one.kind === 'error') this.source.error('no');
    else this.#unsubscribe();
    this.#checkBounds();
    this.#checkGate();
  }

  #offer(key: number): void {
    if (this.source.observed) this.source.next({ id: this.offered++, key });
  }

  #inner(item: Item): Observable<number> {
    const plan = this.#schedule.inners[item.id % this.#schedule.inners.length] as Inner;
    this.begun.push(item);
    if (plan.kind === 'throws') throw new Error('project');
    return new Observable((subscriber) => {
      this.#enter(item);
      subscriber.add(() => this.running.delete(item));
      const end = () => {
        for (let value = 0; value < plan.values; value += 1) subscriber.next(value);
        if (plan.kind === 'fails') subscriber.error('inner');
        else if (plan.kind === 'completes') subscriber.complete();
      };
      if (plan.delayMillis === 0) end();
      else subscriber.add(this.scheduler.schedule(end, plan.delayMillis));
    });
  }

  #enter(item: Item): void {
    const alike = [...this.running].filter(({ key }) => key === item.key);
    if (this.#schedule.order === 'key' && alike.length > 0) this.violations.push(`two of key ${item.key} at once`);
    this.running.add(item);
    // What began under a higher limit goes on, but nothing begins beyond the present one.
    if (this.running.size > this.limit) this.violations.push(`${this.running.size} run, the limit is ${this.limit}`);
    if (this.ended !== undefined) this.violations.push('an inner began after the end');
  }

  #hear(result: Merged<Item, number>): void {
    if (this.ended !== undefined) this.violations.push('a result came after the end');
    if (this.emitting) this.violations.push('a result came within another');
    if (this.running.has(result.item)) this.violations.push('a result came before its inner was torn down');
    this.emitting = true;
    this.results.push(result);
    if (this.#schedule.echoes && result.item.id % 3 === 0) this.#offer(result.item.key);
    this.emitting = false;
    this.#checkBounds();
  }

  #lose(id: number, reason: string): void {
    if (this.lost.has(id)) this.violations.push(`item ${id} was lost twice`);
    this.lost.set(id, reason);
  }

  #end(how: 'complete' | 'error'): void {
    if (this.running.size > 0) this.violations.push('it ended before its inners');
    this.ended = how;
  }

  /** What takes a place: it waits for its turn, or its result for an earlier one. What runs does not. */
  #placed(): { items: number; bytes: number } {
    const items = this.offered - this.results.length - this.lost.size - this.running.size;
    const gone = new Set([...this.results.map(({ item }) => item.id), ...this.lost.keys()]);
    for (const { id } of this.running) gone.add(id);
    let bytes = 0;
    for (let id = 0; id < this.offered; id += 1) if (!gone.has(id)) bytes += sizeOf({ id, key: 0 });
    return { items, bytes };
  }

  /** Everything that is held: queued, running, or waiting for an earlier result. */
  #checkBounds(): void {
    const held = this.offered - this.results.length - this.lost.size;
    const most = this.#schedule.maxQueueSize + this.mostLimit;
    if (held > most) this.violations.push(`${held} are held, at most ${most} may be`);
    // What has begun takes no place; it may take one when it ends before its turn.
    const mostBytes = this.#schedule.maxQueueBytes + this.mostLimit * MOST_BYTES;
    const { bytes } = this.#placed();
    if (bytes > mostBytes) this.violations.push(`${bytes} bytes are held, at most ${mostBytes} may be`);
  }

  #checkGate(): void {
    if (this.ended !== undefined) return;
    const { items, bytes } = this.#placed();
    const level = Math.max(items / this.#schedule.maxQueueSize, bytes / this.#schedule.maxQueueBytes);
    const { high, low } = QUEUE_MARKS;
    if (level >= high && this.gate.open) this.violations.push(`the gate is open at ${level}`);
    if (level <= low && !this.gate.open) this.violations.push(`the gate is closed at ${level}`);
  }
}

describe('boundedMergeMap, over random schedules', () => {
  test('each item has one result or is lost once, within the bounds, in order, and nothing comes after the end', () => {
    const seen = { results: 0, queueFull: 0, tooLarge: 0, unsubscribed: 0, unconfirmed: 0 };
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(schedule).run();
        expect(world.violations).toEqual([]);
        const ids = [...world.results.map(({ item }) => item.id), ...world.lost.keys()];
        expect(ids.sort((one, other) => one - other)).toEqual(Array.from({ length: world.offered }, (_, id) => id));
        for (const { item, index } of world.results) expect(index).toBe(item.id);
        if (world.ended !== 'unsubscribed')
          expect([...world.lost.values()].filter((reason) => !/^(queueFull|tooLarge)$/.test(reason))).toEqual([]);
        seen.results += world.results.length;
        for (const reason of world.lost.values()) seen[reason as 'queueFull'] += 1;
      }),
      RUNS,
    );
    // A schedule that reaches nothing shows nothing.
    expect(Object.values(seen).every((count) => count > 0)).toBe(true);
  });

  test('a result has the values and the end of its inner', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const { results } = new World(schedule).run();
        for (const result of results) {
          const plan = schedule.inners[result.item.id % schedule.inners.length] as Inner;
          const failed = plan.kind === 'throws' || plan.kind === 'fails' || plan.values > MAX_VALUES;
          expect(result.kind).toBe(failed ? 'failed' : 'completed');
          expect(result.values).toHaveLength(plan.kind === 'throws' ? 0 : Math.min(plan.values, MAX_VALUES));
        }
      }),
      RUNS,
    );
  });

  test('items begin in their order, per key too, and with the order source results keep it', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const { begun, results } = new World(schedule).run();
        const lanes = schedule.order === 'key' ? [0, 1, 2, 3] : [undefined];
        for (const lane of lanes) {
          const ids = begun.filter(({ key }) => lane === undefined || key === lane).map(({ id }) => id);
          expect(ids).toEqual(ids.toSorted((one, other) => one - other));
        }
        const indices = results.map(({ index }) => index);
        if (schedule.order === 'source') expect(indices).toEqual(indices.toSorted((one, other) => one - other));
      }),
      RUNS,
    );
  });

  test('at the end nothing runs, nothing is subscribed, and the gate is open', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(schedule).run();
        expect(world.ended).toBeDefined();
        expect(world.running.size).toBe(0);
        expect(world.source.observed).toBe(false);
        expect(world.limits.observed).toBe(false);
        expect(world.gate.open).toBe(true);
        expect(world.told).toHaveLength(world.badLimits);
      }),
      RUNS,
    );
  });
});

describe('boundedMergeMap: gate', () => {
  /** Runs a step at a time, and says after each whether the gate is open. */
  function byHand(order: 'completion' | 'source' | { key: (item: string) => unknown }) {
    const gate = createGate();
    const source = new Subject<string>();
    const inners = new Map<string, Subject<never>>();
    const project = (item: string) => {
      const inner = new Subject<never>();
      inners.set(item, inner);
      return inner;
    };
    const results: string[] = [];
    source
      .pipe(boundedMergeMap(project, { gate, order, concurrency: 8, maxQueueSize: 6 }))
      .subscribe(({ item }) => results.push(item));
    const offered = (items: string) => [...items].map((item) => [source.next(item), gate.open].at(-1));
    const ended = (items: string) => [...items].map((item) => [inners.get(item)?.complete(), gate.open].at(-1));
    return { offered, ended, results };
  }

  test("in the order 'source', a result that waits for an earlier one takes a place: closed at 3 of 6, open at 1", () => {
    const { offered, ended, results } = byHand('source');
    expect(offered('abcde')).toEqual([true, true, true, true, true]);
    expect(ended('bcd')).toEqual([true, true, false]);
    expect(results).toEqual([]);
    expect(ended('ae')).toEqual([true, true]);
    expect(results).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('in the order of completion no result waits, and none takes a place', () => {
    const { offered, ended, results } = byHand('completion');
    offered('abcde');
    expect(ended('bcdae')).toEqual([true, true, true, true, true]);
    expect(results).toEqual(['b', 'c', 'd', 'a', 'e']);
  });

  test('by key, an item that waits for its key takes a place although there are slots, and no result does', () => {
    const { offered, ended, results } = byHand({ key: (item) => item.toLowerCase() === 'a' });
    expect(offered('abAaA')).toEqual([true, true, true, true, false]);
    expect(ended('ba')).toEqual([false, false]);
    expect(ended('A')).toEqual([true]);
    expect(results).toEqual(['b', 'a', 'A']);
  });
});

describe('boundedMergeMap: bytes', () => {
  /** Each letter is as large as its place in the alphabet. */
  const byPlace = (letter: string) => letter.charCodeAt(0) - 96;

  function bounded(options: BoundedMergeMapOptions<string>) {
    const source = new Subject<string>();
    const inners = new Map<string, Subject<never>>();
    const [begun, seen, lost, told]: [string[], string[], string[], unknown[]] = [[], [], [], []];
    const project = (item: string) => {
      begun.push(item);
      const inner = new Subject<never>();
      inners.set(item, inner);
      return inner;
    };
    const onLoss = ({ reason }: Loss, items: readonly string[]) => void lost.push(`${reason} ${items.join('')}`);
    const onCallbackError = (thrown: unknown) => void told.push(thrown);
    const settings = { concurrency: 1, maxQueueBytes: 6, sizeOf: byPlace, onLoss, onCallbackError, ...options };
    const subscription = source.pipe(boundedMergeMap(project, settings)).subscribe({
      next: ({ item }) => seen.push(item),
      error: (error: Error) => seen.push(error.message),
    });
    const offer = (letters: string) => {
      for (const letter of letters) source.next(letter);
    };
    const end = (letters: string) => {
      for (const letter of letters) inners.get(letter)?.complete();
    };
    return { offer, end, begun, seen, lost, told, subscription };
  }

  test('an item that does not fit now is refused; one that can never fit is lost as tooLarge; running items do not count', () => {
    const { offer, end, seen, lost } = bounded({});
    offer('facdgb');
    end('facb');
    expect([seen.join(''), lost]).toEqual(['facb', ['queueFull d', 'tooLarge g']]);
  });

  test("in the order 'source', the item of a result that waits for an earlier one counts", () => {
    const { offer, end, seen, lost } = bounded({ concurrency: 3, order: 'source' });
    offer('dbc');
    end('bc');
    offer('bae');
    expect([seen, lost]).toEqual([[], ['queueFull b', 'queueFull e']]);
    end('da');
    expect(seen.join('')).toBe('dbca');
  });

  test("'dropOldest' drops as many items as it takes", () => {
    const { offer, end, begun, lost } = bounded({ overflow: 'dropOldest' });
    offer('fabcd');
    expect(lost).toEqual(['queueFull abc']);
    end('fd');
    expect(begun.join('')).toBe('fd');
  });

  test("'dropOldest' drops no item for one that would find no room even then", () => {
    const { offer, end, begun, lost } = bounded({ overflow: 'dropOldest', order: 'source', concurrency: 2 });
    offer('ad');
    end('d');
    offer('fba');
    expect(lost).toEqual(['queueFull f']);
    offer('c');
    expect(lost).toEqual(['queueFull f', 'queueFull c']);
    end('ba');
    expect(begun.join('')).toBe('adba');
  });

  test("'error' names the bounds in its message", () => {
    const { offer, end, seen, lost } = bounded({ overflow: 'error' });
    offer('fbce');
    end('fbc');
    expect(seen.slice(0, 3).join('')).toBe('fbc');
    expect(seen[3]).toBe('boundedMergeMap: the queue is full (maxQueueSize 10000, maxQueueBytes 6)');
    expect(lost).toEqual(['queueFull e']);
  });

  test('the gate follows items or bytes, whichever is fuller: closed at half, open at a quarter', () => {
    const gate = createGate();
    const { offer, end } = bounded({ gate, maxQueueBytes: 8 });
    const seen = [...'facb'].map((letter) => [offer(letter), gate.open].at(-1));
    expect(seen).toEqual([true, true, false, false]);
    const reopened = [...'fac'].map((letter) => [end(letter), gate.open].at(-1));
    expect(reopened).toEqual([false, true, true]);
  });

  test('an item whose size is unknown counts as 512 bytes, and that is reported', () => {
    const sizes: Record<string, () => number> = { a: () => throwing(), b: () => Number.NaN, c: () => -1 };
    const sizeOf = (item: string) => sizes[item]?.() ?? 0;
    const { offer, lost, told } = bounded({ maxQueueBytes: 1_024, sizeOf });
    offer('zabc');
    expect(lost).toEqual(['queueFull c']);
    expect(told).toEqual([
      new Error('mine'),
      expect.objectContaining({ code: 'INVALID_OPTION', given: Number.NaN }),
      expect.objectContaining({ given: -1 }),
    ]);
  });

  test.each(['sizeOf', 'key'])('an item whose %s unsubscribes is reported as lost', (callback) => {
    const leave = (item: string) => {
      if (item === 'c') subscription.unsubscribe();
      return 1;
    };
    const { offer, lost, subscription } = bounded(callback === 'key' ? { order: { key: leave } } : { sizeOf: leave });
    offer('abc');
    expect(lost).toEqual(['unsubscribed b', 'unconfirmed a', 'unsubscribed c']);
  });

  test.each([
    [{ maxQueueBytes: 0 }, 'boundedMergeMap.maxQueueBytes must be a whole number from 1, but was given 0'],
    [{ sizeOf: 1 }, 'boundedMergeMap.sizeOf must be a function, but was given 1'],
  ])('refuses %o', (options, message) => {
    expect(() => bounded(options as object)).toThrow(message);
  });
});

describe('boundedMergeMap: memory', () => {
  test('dropped items leave no waits for a slot behind', () => {
    const enter = vi.spyOn(AttemptLine.prototype, 'enter');
    const source = new Subject<number>();
    const order = { key: (item: number) => item };
    const subscription = source
      .pipe(boundedMergeMap(() => new Subject(), { order, concurrency: 2, maxQueueSize: 10, overflow: 'dropOldest' }))
      .subscribe();
    for (let item = 0; item < 1_000; item += 1) source.next(item);
    expect(enter.mock.calls.length).toBe(12);
    subscription.unsubscribe();
    enter.mockRestore();
  });

  test('an idle key is forgotten', async () => {
    const keys: WeakRef<object>[] = [];
    const source = new Subject<number>();
    const inners: Subject<never>[] = [];
    const key = () => {
      const made = {};
      keys.push(new WeakRef(made));
      return made;
    };
    const inner = () => {
      const made = new Subject<never>();
      inners.push(made);
      return made;
    };
    const subscription = source
      .pipe(boundedMergeMap(inner, { order: { key }, concurrency: 2, maxQueueSize: 10, overflow: 'dropOldest' }))
      .subscribe();
    for (let item = 0; item < 1_000; item += 1) source.next(item);
    // What was dropped is forgotten at once: two run, ten wait.
    expect(await leftOf(keys, 12)).toBeLessThanOrEqual(12);
    while (inners.length > 0) inners.shift()?.complete();
    expect(await leftOf(keys, 0)).toBe(0);
    subscription.unsubscribe();
  });
});

/** How many are still there, when garbage has been collected: a few times, since the present turn may hold on to some. */
async function leftOf(references: readonly WeakRef<object>[], atMost: number): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  let left = references.length;
  for (let turns = 0; turns < 20 && left > atMost; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    left = references.filter((reference) => reference.deref() !== undefined).length;
  }
  return left;
}
