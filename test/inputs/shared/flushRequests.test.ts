import { describe, expect, test } from 'vitest';
import { FlushRequests } from '../../../src/inputs/shared/flushRequests.ts';
import type { FlushRelease, FlushRequest } from '../../../src/model/batch.ts';

const URGENCY = { timeoutMillis: 1_000, isEnding: false };

/** A stage that lets out what it has, at once, to the stage behind it. */
class Gatherer {
  held = 0;
  rounds: string[] = [];
  readonly #pass: (count: number) => void;

  constructor(pass: (count: number) => void) {
    this.#pass = pass;
  }

  flush(request: FlushRequest): void {
    const claim = request.release?.();
    this.rounds.push(claim === undefined ? 'last' : `${this.held}`);
    if (claim === undefined) return;
    const { held } = this;
    this.held = 0;
    if (held > 0) this.#pass(held);
    claim.settle(held > 0, 0);
  }
}

/** A stage that answers for what it has. */
class Batcher {
  held = 0;
  flushed = 0;
  readonly holds: { settle(): void }[] = [];

  flush(request: FlushRequest): void {
    this.flushed += this.held;
    this.held = 0;
    this.holds.push(request.hold());
  }
}

/** A chain `first → second → batcher`; `order` is that in which they have subscribed. */
function chain(order: readonly ('first' | 'second' | 'batcher')[]) {
  const batcher = new Batcher();
  const second = new Gatherer((count) => {
    batcher.held += count;
  });
  const first = new Gatherer((count) => {
    second.held += count;
  });
  const stages = { first, second, batcher };
  const flushes = new FlushRequests();
  for (const name of order) flushes.requests$.subscribe((request) => stages[name].flush(request));
  let isDone = false;
  const send = () =>
    flushes.send(() => {
      isDone = true;
    }, URGENCY);
  return { ...stages, flushes, send, isDone: () => isDone };
}

describe('a flush', () => {
  test('without a holder is done at once', () => {
    let isDone = false;
    new FlushRequests().send(() => {
      isDone = true;
    }, URGENCY);
    expect(isDone).toBe(true);
  });

  test.each([
    [['batcher', 'second', 'first']],
    [['batcher', 'first', 'second']],
    [['first', 'second', 'batcher']],
    [['second', 'batcher', 'first']],
  ] as const)('reaches what stages let out, in whichever order they have subscribed: %s', (order) => {
    const { first, second, batcher, send, isDone } = chain(order);
    first.held = 3;
    second.held = 2;
    send();
    expect([batcher.flushed, batcher.held]).toEqual([5, 0]);
    expect(isDone()).toBe(false);
    for (const hold of batcher.holds) hold.settle();
    expect(isDone()).toBe(true);
  });

  test('asks once more only where something was let out', () => {
    const { first, batcher, send } = chain(['batcher', 'first']);
    send();
    expect(batcher.holds).toHaveLength(1);
    first.held = 1;
    send();
    expect(batcher.holds).toHaveLength(3);
    expect(first.rounds).toEqual(['0', '1', 'last']);
  });

  test('ends, however much comes meanwhile', () => {
    const { first, batcher, flushes, send, isDone } = chain(['batcher', 'first']);
    flushes.requests$.subscribe(() => {
      first.held += 1;
    });
    first.held = 1;
    send();
    expect(first.held).toBe(2); // what has come since stays
    for (const hold of batcher.holds) hold.settle();
    expect(isDone()).toBe(true);
  });

  test('waits for a stage that takes its time, and tells the next round for how long', () => {
    const flushes = new FlushRequests();
    const claims: (FlushRelease | undefined)[] = [];
    const urgencies: FlushRequest['urgency'][] = [];
    let isDone = false;
    flushes.requests$.subscribe((request) => {
      urgencies.push(request.urgency);
      claims.push(request.release?.());
    });
    flushes.send(() => {
      isDone = true;
    }, URGENCY);
    expect([isDone, urgencies.length]).toEqual([false, 1]);
    claims[0]?.settle(true, 20);
    claims[0]?.settle(true, 20);
    expect(urgencies).toEqual([URGENCY, { ...URGENCY, elapsedMillis: 20 }]);
    expect(isDone).toBe(true);
  });
});
