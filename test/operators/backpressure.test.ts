import fc from 'fast-check';
import { Subject, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { throwing } from '../../marble-tests/support.ts';
import { createGate, type Loss } from '../../src/index.ts';
import { type BackpressureOptions, backpressure } from '../../src/streams.ts';
import { randomRuns } from '../support/randomRuns.ts';

const RUNS = randomRuns(250);

type Event =
  | { readonly kind: 'items'; readonly atMillis: number; readonly count: number }
  | { readonly kind: 'demand'; readonly atMillis: number; readonly count: number }
  | { readonly kind: 'complete' | 'error' | 'enough' | 'unsubscribe'; readonly atMillis: number };

interface Schedule {
  readonly events: readonly Event[];
  readonly overflow: 'dropNewest' | 'dropOldest' | 'error';
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
  /** Every so many items, one asks for another from within its `next`, and one brings another. */
  readonly asksEvery: number;
  readonly echoesEvery: number;
}

const atMillis = fc.integer({ min: 0, max: 60 });

const demand = fc.oneof(
  { weight: 8, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, -1, 1.5, Number.NEGATIVE_INFINITY) },
  { weight: 1, arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER) },
);

const schedules: fc.Arbitrary<Schedule> = fc.record({
  events: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('items' as const), atMillis, count: fc.nat(6) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('demand' as const), atMillis, count: demand }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom('complete' as const, 'error' as const, 'enough' as const, 'unsubscribe' as const),
          atMillis,
        }),
      },
    ),
    { minLength: 1, maxLength: 20 },
  ),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const, 'error' as const),
  maxQueueSize: fc.integer({ min: 1, max: 6 }),
  maxQueueBytes: fc.integer({ min: 2, max: 16 }),
  asksEvery: fc.integer({ min: 1, max: 6 }),
  echoesEvery: fc.integer({ min: 2, max: 6 }),
});

/** An item's bytes: 0 to 3. */
const sizeOf = (item: number) => item % 4;

/** One run of a schedule, and the books that are kept of it from outside. */
class World {
  readonly scheduler = new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);
  readonly gate = createGate();
  readonly source = new Subject<number>();
  readonly demand = new Subject<number>();
  readonly seen: number[] = [];
  readonly lost = new Map<number, string>();
  readonly told: unknown[] = []; // to `onCallbackError`
  readonly violations: string[] = [];
  badDemand = 0; // emitted while somebody listened
  offered = 0;
  asked = 0;
  ended: 'complete' | 'error' | 'unsubscribed' | undefined;
  #emitting = false;
  #unsubscribe = () => {};
  readonly #schedule: Schedule;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  run(): this {
    const { events, overflow, maxQueueSize, maxQueueBytes } = this.#schedule;
    const held = this.source.pipe(
      backpressure({
        demand: this.demand,
        overflow,
        maxQueueSize,
        maxQueueBytes,
        sizeOf,
        gate: this.gate,
        onLoss: ({ reason }, items) => {
          for (const item of items) this.#lose(item, reason);
        },
        onCallbackError: (thrown) => this.told.push(thrown),
      }),
    );
    const subscription = held.subscribe({
      next: (item) => this.#hear(item),
      error: () => {
        this.ended = 'error';
      },
      complete: () => {
        this.ended = 'complete';
      },
    });
    this.#unsubscribe = () => {
      this.ended ??= 'unsubscribed';
      subscription.unsubscribe();
    };
    for (const one of events) this.scheduler.schedule(() => this.#act(one), one.atMillis);
    this.scheduler.schedule(() => this.#unsubscribe(), 5_000);
    this.scheduler.flush();
    return this;
  }

  #act(one: Event): void {
    if (one.kind === 'items') for (let count = 0; count < one.count; count += 1) this.#offer();
    else if (one.kind === 'demand') this.#ask(one.count);
    else if (one.kind === 'complete') this.source.complete();
    else if (one.kind === 'error') this.source.error('no');
    else if (one.kind === 'enough') this.demand.complete();
    else this.#unsubscribe();
    this.#check();
  }

  #offer(): void {
    if (this.source.observed) this.source.next(this.offered++);
  }

  #ask(count: number): void {
    if (!this.demand.observed) return;
    if (count >= 0 && (count === Number.POSITIVE_INFINITY || Number.isInteger(count))) this.asked += count;
    else this.badDemand += 1;
    this.demand.next(count);
  }

  #hear(item: number): void {
    if (this.ended !== undefined) this.violations.push('an item came after the end');
    if (this.#emitting) this.violations.push('an item came within another');
    this.#emitting = true;
    this.seen.push(item);
    if (item % this.#schedule.asksEvery === 0) this.#ask(1);
    if (item % this.#schedule.echoesEvery === 0) this.#offer();
    this.#emitting = false;
  }

  #lose(item: number, reason: string): void {
    if (this.lost.has(item)) this.violations.push(`item ${item} was lost twice`);
    if (reason === 'queueFull' && this.#schedule.overflow !== 'dropOldest') this.#checkRefusal(item);
    this.lost.set(item, reason);
  }

  #held(): number[] {
    const gone = new Set([...this.seen, ...this.lost.keys()]);
    return Array.from({ length: this.offered }, (_, item) => item).filter((item) => !gone.has(item));
  }

  /** There was no room for it beside the others. */
  #checkRefusal(item: number): void {
    const others = this.#held().filter((held) => held !== item);
    const { maxQueueSize, maxQueueBytes } = this.#schedule;
    const fits = others.length < maxQueueSize && bytesOf([...others, item]) <= maxQueueBytes;
    if (fits) this.violations.push(`item ${item} was refused, although there was room`);
  }

  /** No more comes out than was asked for, no more is held than may be, and nothing is held that was asked for. */
  #check(): void {
    const held = this.offered - this.seen.length - this.lost.size;
    const bytes = bytesOf(this.#held());
    if (bytes > this.#schedule.maxQueueBytes) this.violations.push(`${bytes} bytes are held`);
    if (this.seen.length > this.asked) this.violations.push(`${this.seen.length} came, ${this.asked} were asked for`);
    if (held > this.#schedule.maxQueueSize) this.violations.push(`${held} are held`);
    if (held > 0 && this.asked > this.seen.length) this.violations.push(`${held} are held that were asked for`);
    if (this.ended === undefined && held === 0 && !this.gate.open) this.violations.push('the gate of an empty queue');
  }
}

function bytesOf(items: readonly number[]): number {
  return items.reduce((bytes, item) => bytes + sizeOf(item), 0);
}

describe('backpressure, over random schedules', () => {
  test('each item is emitted or lost once, in order, as asked for, within the bound, and none after the end', () => {
    const reached = { seen: 0, queueFull: 0, tooLarge: 0, unsubscribed: 0, complete: 0, error: 0 };
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(schedule).run();
        expect(world.violations).toEqual([]);
        expect(world.seen).toEqual(world.seen.toSorted((one, other) => one - other));
        const ids = [...world.seen, ...world.lost.keys()].sort((one, other) => one - other);
        expect(ids).toEqual(Array.from({ length: world.offered }, (_, id) => id));
        reached.seen += world.seen.length;
        for (const reason of world.lost.values()) reached[reason as 'queueFull'] += 1;
        reached[world.ended as 'complete'] += 1;
      }),
      RUNS,
    );
    // A schedule that reaches nothing shows nothing.
    expect(Object.values(reached).every((count) => count > 0)).toBe(true);
  });

  test('at the end nothing is subscribed, the gate is open, and invalid demand has been reported', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const world = new World(schedule).run();
        expect(world.ended).toBeDefined();
        expect([world.source.observed, world.demand.observed]).toEqual([false, false]);
        expect(world.gate.open).toBe(true);
        expect(world.told).toHaveLength(world.badDemand);
      }),
      RUNS,
    );
  });
});

describe('backpressure: bytes', () => {
  /** Each letter is as large as its place in the alphabet. */
  const byPlace = (letter: string) => letter.charCodeAt(0) - 96;

  function held(options: Partial<BackpressureOptions<string>>) {
    const [source, demand] = [new Subject<string>(), new Subject<number>()];
    const [seen, lost, told]: [string[], string[], unknown[]] = [[], [], []];
    const onLoss = ({ reason }: Loss, items: readonly string[]) => void lost.push(`${reason} ${items.join('')}`);
    const onCallbackError = (thrown: unknown) => void told.push(thrown);
    const subscription = source
      .pipe(backpressure({ demand, sizeOf: byPlace, maxQueueBytes: 6, onLoss, onCallbackError, ...options }))
      .subscribe({ next: (item) => seen.push(item), error: (error: Error) => seen.push(error.message) });
    const offer = (letters: string) => {
      for (const letter of letters) source.next(letter);
    };
    return { source, demand, offer, seen, lost, told, subscription };
  }

  test('an item that does not fit now is refused; one that can never fit is lost as tooLarge', () => {
    const { offer, demand, seen, lost } = held({});
    offer('acdgb');
    demand.next(9);
    expect([seen.join(''), lost]).toEqual(['acb', ['queueFull d', 'tooLarge g']]);
  });

  test("'dropOldest' drops as many items as it takes", () => {
    const { offer, demand, seen, lost } = held({ overflow: 'dropOldest' });
    offer('abcd');
    demand.next(9);
    expect([seen.join(''), lost]).toEqual(['d', ['queueFull abc']]);
  });

  test("'error' names the bounds in its message", () => {
    const { offer, demand, seen, lost } = held({ overflow: 'error' });
    offer('bce');
    demand.next(9);
    expect(seen.slice(0, 2).join('')).toBe('bc');
    expect(seen[2]).toBe('backpressure: the queue is full (maxQueueSize 10000, maxQueueBytes 6)');
    expect(lost).toEqual(['queueFull e']);
  });

  test('the gate follows items or bytes, whichever is fuller: closed at half, open at a quarter', () => {
    const gate = createGate();
    const { offer, demand } = held({ gate, maxQueueBytes: 8 });
    const seen = [...'aca'].map((letter) => [offer(letter), gate.open].at(-1));
    expect(seen).toEqual([true, false, false]);
    const reopened = [1, 1].map((count) => [demand.next(count), gate.open].at(-1));
    expect(reopened).toEqual([false, true]);
  });

  test('an item whose size is unknown counts as 512 bytes, and that is reported', () => {
    const sizes: Record<string, () => number> = { a: () => throwing(), b: () => Number.NaN, c: () => -1 };
    const { offer, demand, seen, lost, told } = held({ maxQueueBytes: 1_024, sizeOf: (item) => sizes[item]?.() ?? 0 });
    offer('abc');
    demand.next(9);
    expect([seen.join(''), lost]).toEqual(['ab', ['queueFull c']]);
    expect(told).toEqual([
      new Error('mine'),
      expect.objectContaining({ code: 'INVALID_OPTION', given: Number.NaN }),
      expect.objectContaining({ given: -1 }),
    ]);
  });

  test('an item whose sizeOf unsubscribes is reported as lost', () => {
    const sizeOf = (item: string) => {
      if (item === 'b') subscription.unsubscribe();
      return 1;
    };
    const { offer, lost, subscription } = held({ sizeOf });
    offer('ab');
    expect(lost).toEqual(['unsubscribed a', 'unsubscribed b']);
  });

  test.each([
    [{ maxQueueBytes: 0 }, 'backpressure.maxQueueBytes must be a whole number from 1, but was given 0'],
    [{ sizeOf: 1 }, 'backpressure.sizeOf must be a function, but was given 1'],
  ])('refuses %o', (options, message) => {
    expect(() => held(options as object)).toThrow(message);
  });
});
