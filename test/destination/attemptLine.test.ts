import { expect, test } from 'vitest';
import { AttemptLine, type Finish } from '../../src/destination/attemptLine.ts';
import type { AttemptEnd, Layer } from '../../src/destination/layer.ts';
import { Waiters } from '../../src/destination/layer.ts';
import { SlotPool } from '../../src/destination/slotPool.ts';

const SIZE = { items: 1, bytes: 1 };

/** A line over a pool, and the attempts that it has started, by name. */
function lineOver(layers: readonly Layer[]) {
  const line = new AttemptLine({ layers, now: () => 0 });
  const started: string[] = [];
  const finishes = new Map<string, Finish>();
  const enter = (name: string) =>
    line.enter(SIZE, (finish) => {
      started.push(name);
      finishes.set(name, finish);
    });
  return { line, started, enter, end: (name: string) => finishes.get(name)?.({ ending: 'accepted' }) };
}

/** A layer that is open or not, and keeps how the attempts ended. */
class Door implements Layer {
  readonly ends: AttemptEnd[] = [];
  readonly #waiters = new Waiters();
  #isOpen = true;

  set isOpen(isOpen: boolean) {
    this.#isOpen = isOpen;
    this.#waiters.wake(this);
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get waitingAttempts(): number {
    return this.#waiters.attempts;
  }

  admits(): boolean {
    return this.#isOpen;
  }

  begin() {
    return (end: AttemptEnd) => void this.ends.push(end);
  }

  whenReady(size: { items: number; bytes: number }, wake: () => void) {
    return this.#waiters.add(size, wake);
  }
}

test('a line starts up to limit attempts at a time, and the rest in the order in which they came', () => {
  const { line, started, enter, end } = lineOver([new SlotPool(2)]);
  for (const name of ['a', 'b', 'c', 'd']) enter(name);
  expect(started).toEqual(['a', 'b']);
  expect(line).toMatchObject({ running: 2, waiting: 2, free: false });
  end('a');
  end('b');
  expect(started).toEqual(['a', 'b', 'c', 'd']);
});

test.each([1, 4])('400,000 attempts that end synchronously need no more stack than one, with %i slots', (limit) => {
  const line = new AttemptLine({ layers: [new SlotPool(limit)], now: () => 0 });
  let ended = 0;
  const endAtOnce = (finish: Finish) => {
    ended += 1;
    finish({ ending: 'accepted' });
  };
  line.enter(SIZE, (finish) => {
    // Everything comes while the first one still runs: the whole line is drained from one end.
    for (let index = 1; index < 400_000; index += 1) line.enter(SIZE, endAtOnce);
    endAtOnce(finish);
  });
  expect(ended).toBe(400_000);
  expect(line).toMatchObject({ running: 0, waiting: 0, free: true });
});

test('an attempt that gives up its place in line never starts; after the start giving up does nothing', () => {
  const { line, started, enter, end } = lineOver([new SlotPool(1)]);
  const giveUps = ['a', 'b', 'c'].map(enter);
  giveUps[1]?.();
  giveUps[1]?.();
  expect(line.waiting).toBe(1);
  giveUps[0]?.();
  end('a');
  end('a');
  expect(started).toEqual(['a', 'c']);
  expect(line).toMatchObject({ running: 1, waiting: 0 });
});

test('a limit that grows starts more attempts; when it shrinks, those that run go on; 0 pauses', () => {
  const pool = new SlotPool(1);
  const { started, enter, end } = lineOver([pool]);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) enter(name);
  pool.limit = 4;
  expect(started).toHaveLength(4);
  pool.limit = 2;
  end('a');
  end('b');
  expect(started).toHaveLength(4);
  end('c');
  expect(started).toHaveLength(5);
  pool.limit = 0;
  end('d');
  end('e');
  expect(started).toHaveLength(5);
  pool.limit = 1;
  expect(started).toHaveLength(6);
});

test('who asks is told once, when an attempt could begin and nothing waits', () => {
  const { line, enter, end } = lineOver([new SlotPool(2)]);
  const running: number[] = [];
  const ask = () => line.whenFree(() => running.push(line.running));
  ask();
  expect(running).toEqual([0]);
  for (const name of ['a', 'b', 'c']) enter(name);
  ask();
  end('a');
  expect(running).toEqual([0]);
  end('b');
  end('c');
  expect(running).toEqual([0, 1]);
});

test('who asks is told when a layer opens, although nothing waits; until then the layer has no attempt that waits', () => {
  const door = new Door();
  const { line, enter, end } = lineOver([door, new SlotPool(2)]);
  let told = 0;
  door.isOpen = false;
  line.whenFree(() => {
    told += 1;
  });
  expect([told, door.waiting, door.waitingAttempts]).toEqual([0, 1, 0]);
  const giveUp = enter('a');
  expect([door.waiting, door.waitingAttempts]).toEqual([1, 1]);
  giveUp();
  expect([door.waiting, door.waitingAttempts]).toEqual([1, 0]);
  door.isOpen = true;
  expect([told, door.waiting]).toEqual([1, 0]);
  enter('b');
  end('b');
  expect(told).toBe(1);
});

test('a line with nothing in it, of which nobody wants to be told, waits for no layer', () => {
  const door = new Door();
  const { enter, end } = lineOver([door]);
  enter('a');
  door.isOpen = false;
  end('a');
  enter('b')();
  expect(door.waiting).toBe(0);
});

test('a closed line starts nothing, drops the attempts that wait, and waits for no layer', () => {
  const door = new Door();
  const { line, started, enter, end } = lineOver([door, new SlotPool(1)]);
  enter('a');
  enter('b');
  door.isOpen = false;
  end('a');
  line.close();
  door.isOpen = true;
  enter('c');
  expect(started).toEqual(['a']);
  expect(line).toMatchObject({ waiting: 0, free: false });
  expect(door.waiting).toBe(0);
});

test('an attempt begins when all layers admit it at the same moment', () => {
  const [outer, inner] = [new Door(), new Door()];
  const { started, enter } = lineOver([outer, inner]);
  outer.isOpen = false;
  inner.isOpen = false;
  enter('a');
  outer.isOpen = true;
  outer.isOpen = false;
  inner.isOpen = true;
  expect(started).toEqual([]);
  outer.isOpen = true;
  expect(started).toEqual(['a']);
});

test('every layer learns how an attempt ended and how long it took, before the next one starts', () => {
  const door = new Door();
  let now = 5;
  const line = new AttemptLine({ layers: [door, new SlotPool(1)], now: () => now });
  const endsAtStart: number[] = [];
  const finishes: Finish[] = [];
  for (let index = 0; index < 2; index += 1) {
    line.enter(SIZE, (finish) => {
      endsAtStart.push(door.ends.length);
      finishes.push(finish);
    });
  }
  now = 12;
  finishes[0]?.({ ending: 'throttled' });
  expect(door.ends).toEqual([{ ending: 'throttled', startedAtMillis: 5, endedAtMillis: 12 }]);
  expect(endsAtStart).toEqual([0, 1]);
});

test('lines that share a pool take turns', () => {
  const pool = new SlotPool(1);
  const [one, two] = [lineOver([pool]), lineOver([pool])];
  const order: string[] = [];
  for (const name of ['a', 'b', 'c']) one.enter(name);
  for (const name of ['x', 'y', 'z']) two.enter(name);
  const next = () => {
    const [a, b] = [one.started.at(-1), two.started.at(-1)];
    const name = order.includes(a as string) ? (b as string) : (a as string);
    order.push(name);
    one.end(name);
    two.end(name);
  };
  for (let index = 0; index < 6; index += 1) next();
  expect(order).toEqual(['a', 'b', 'x', 'c', 'y', 'z']);
  expect(pool.running).toBe(0);
});

test('while a line is suspended, nothing of it starts', () => {
  const { line, started, enter } = lineOver([new SlotPool(1)]);
  line.suspendDuring(() => {
    enter('a');
    expect(line.free).toBe(false);
  });
  expect(started).toEqual(['a']);
});

test('a line goes on after work that throws', () => {
  const { line, started, enter } = lineOver([new SlotPool(1)]);
  const work = () => {
    enter('a');
    throw new Error('mine');
  };
  expect(() => line.suspendDuring(work)).toThrow('mine');
  expect(started).toEqual(['a']);
});

test('a layer that throws at an end does not keep the others from it', () => {
  const thrown: unknown[] = [];
  const bad: Layer = {
    admits: () => true,
    begin: () => () => {
      throw new Error('a mistake');
    },
    whenReady: () => () => {},
  };
  const pool = new SlotPool(1);
  const line = new AttemptLine({ layers: [bad, pool], now: () => 0, onError: (error) => thrown.push(error) });
  line.enter(SIZE, (finish) => finish({ ending: 'accepted' }));
  expect(thrown).toHaveLength(1);
  expect(pool.running).toBe(0);
});
