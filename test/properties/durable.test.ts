import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { of, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import type { DurableSink } from '../../src/durable/api.ts';
import { durableOn } from '../../src/durable/durable.ts';
import { exponentialBackoff } from '../../src/index.ts';
import { ExportError, type Sink } from '../../src/model/sink.ts';
import { faultyDisk, sqliteError, storeOn, until } from '../durable/support.ts';
import { brokenBooks } from '../support/books.ts';
import { exportOnce } from '../support/exportOnce.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** How the backend answers: the rest of the list comes again and again. */
type Answer = 'takes' | 'later' | 'never' | 'rejects';

type Step =
  | { readonly kind: 'write'; readonly batches: number; readonly items: number; readonly isLarge: boolean }
  | { readonly kind: 'wait' | 'heal' | 'restart' | 'crash' }
  | { readonly kind: 'fail'; readonly what: RegExp; readonly errcode: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      batches: fc.integer({ min: 1, max: 6 }),
      items: fc.integer({ min: 1, max: 5 }),
      isLarge: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('wait' as const, 'heal' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'crash' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      what: fc.constantFrom(/COMMIT/, /INSERT/, /DELETE/, /SELECT .* WHERE row >/, /openDatabase/, /BEGIN IMMEDIATE/),
      errcode: fc.constantFrom(5, 8, 10, 13, 14),
    }),
  },
);

const schedule = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 25 }),
  answers: fc.array(fc.constantFrom<Answer>('takes', 'takes', 'later', 'never', 'rejects'), {
    minLength: 1,
    maxLength: 6,
  }),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const),
});

/** What becomes of each item, over the lives of the queue. */
class World {
  readonly disk = faultyDisk();
  readonly begun = new Set<string>();
  readonly answered = new Set<string>();
  readonly ended = new Set<string>(); // delivered, rejected or refused for good
  lost = 0; // by the queue itself
  readonly #answers: readonly Answer[];
  readonly #overflow: 'dropNewest' | 'dropOldest';
  #attempts = 0;
  #life = 0; // counts crashes
  #directory = join(temporaryFolder(), '0');
  queue: DurableSink<ReadableSpan>;

  constructor(answers: readonly Answer[], overflow: 'dropNewest' | 'dropOldest') {
    this.#answers = answers;
    this.#overflow = overflow;
    this.queue = this.#open();
  }

  async write(items: number, isLarge: boolean): Promise<void> {
    const names = Array.from({ length: items }, () => `${this.begun.size}`.padEnd(isLarge ? 60_000 : 1, '.'));
    const spans = names.map((name, index) => spanWith({ name: `${this.begun.size + index} ${name}` }));
    for (const { name } of spans) this.begun.add(name);
    const life = this.#life;
    const response = await exportOnce(this.queue, spans).catch(() => undefined);
    if (life === this.#life && response?.stored === items) for (const { name } of spans) this.answered.add(name);
  }

  async restart(): Promise<void> {
    await this.queue.shutdown();
    this.#book();
    this.queue = this.#open();
  }

  /** What is on the disk at this moment is all that the next life has. */
  async crash(): Promise<void> {
    const next = join(temporaryFolder(), 'next');
    mkdirSync(next);
    if (existsSync(this.#directory)) cpSync(this.#directory, next, { recursive: true });
    this.#life += 1; // what is answered or sent from now on never was
    this.#book();
    await this.queue.shutdown();
    this.#directory = next;
    this.queue = this.#open();
  }

  async drain(): Promise<void> {
    this.disk.heal();
    await until(() => this.queue.stats().disk.state === 'open');
    await this.queue.forceFlush();
    await until(() => this.queue.stats().disk.batches === 0);
  }

  #book(): void {
    const { queueFull = 0, damaged = 0 } = this.queue.stats().lost;
    this.lost += queueFull + damaged;
  }

  get allLost(): number {
    const { queueFull = 0, damaged = 0 } = this.queue.stats().lost;
    return this.lost + queueFull + damaged;
  }

  #open(): DurableSink<ReadableSpan> {
    const life = this.#life;
    const sink: Sink<ReadableSpan> = {
      name: 'backend',
      export: ({ items }) => this.#answer(items, life === this.#life),
    };
    const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' });
    return durableOn(storeOn(this.disk), sink, {
      directory: this.#directory,
      maxBytes: 1024 ** 2,
      overflow: this.#overflow,
      maxSendingBytes: 65_536,
      flush: 'delivered',
      shutdownGraceMillis: 0,
      send: { retry: { backoff } },
    });
  }

  #answer(items: readonly ReadableSpan[], isAlive: boolean) {
    const answer = this.#answers[this.#attempts % this.#answers.length];
    this.#attempts += 1;
    // Sooner or later it takes everything.
    if (answer === 'later' && this.#attempts % 7 !== 0)
      return throwError(() => new ExportError({ kind: 'retryable' }, 'later'));
    if (isAlive) for (const { name } of items) this.ended.add(name);
    if (answer === 'never') return throwError(() => new ExportError({ kind: 'permanent' }, 'never'));
    return of({ rejected: answer === 'rejects' ? items.length : 0 });
  }
}

/** A batch ends while the queue is opened again: it was found there, and counted as if another process had written it. */
const ENDED_WHILE_OPENED = {
  steps: [
    { kind: 'write', batches: 1, items: 1, isLarge: false },
    { kind: 'wait' },
    { kind: 'fail', what: /DELETE/, errcode: 5 },
    { kind: 'write', batches: 2, items: 1, isLarge: false },
    { kind: 'wait' },
  ] satisfies Step[] as Step[],
  answers: ['takes'] satisfies Answer[] as Answer[],
  overflow: 'dropNewest' as const,
};

test('whatever the disk does, and whenever it ends: what was answered is sent or counted, nothing else is sent, and the books hold', async () => {
  const property = fc.asyncProperty(schedule, async ({ steps, answers, overflow }) => {
    const world = new World(answers, overflow);
    const writes: Promise<void>[] = [];
    for (const now of steps) {
      if (now.kind === 'write')
        for (let batch = 0; batch < now.batches; batch += 1) writes.push(world.write(now.items, now.isLarge));
      if (now.kind === 'fail') world.disk.fail(now.what, sqliteError(now.errcode, 'it fails'));
      if (now.kind === 'heal') world.disk.heal();
      if (now.kind === 'wait') for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      if (now.kind === 'restart') await world.restart();
      if (now.kind === 'crash') await world.crash();
      expect(brokenBooks(world.queue.stats())).toEqual([]);
    }
    await world.drain();
    await Promise.all(writes);
    await world.drain();
    const unaccounted = [...world.answered].filter((name) => !world.ended.has(name));
    expect(unaccounted.length).toBeLessThanOrEqual(world.allLost);
    expect([...world.ended].filter((name) => !world.begun.has(name))).toEqual([]);
    expect(brokenBooks(world.queue.stats())).toEqual([]);
    expect(world.queue.stats()).toMatchObject({ pending: 0, disk: { items: 0, bodyBytes: 0 } });
    await world.queue.shutdown();
  });
  await fc.assert(property, { ...randomRuns(30), examples: [[ENDED_WHILE_OPENED]] });
});
