import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger } from '../../src/index.ts';
import { lostTally } from '../../src/model/tally.ts';

const delivered = (count: number) => ({ ...lostTally(0, 'queueFull', ''), delivered: count });

describe('the ledger', () => {
  test('of a chain, what the first stage let in is what ends in the last, or is lost or held on the way', () => {
    const ledger = createLedger();
    const input = ledger.open('input', 'in');
    const batch = ledger.open('batch', 'batches');
    input.refuse(1, 'queueFull');
    input.accept(10);
    input.handOn(8);
    // One of the eight was filtered before it reached the batches.
    batch.refuse(2, 'queueFull');
    batch.accept(5);
    batch.settle(3, { ...delivered(1), rejected: 1, lost: [{ count: 1, reason: 'permanent', stage: 'sink' }] });
    expect(ledger.stats()).toMatchObject({
      offered: 11,
      accepted: 10,
      refused: { queueFull: 1 },
      delivered: 1,
      rejected: 1,
      removed: 0,
      lost: { queueFull: 2, permanent: 1 },
      pending: 4,
      between: 1,
    });
  });

  test('a sink behind batches is the same items once more, and one without batches ends the chain', () => {
    const behind = createLedger();
    behind.open('batch', 'batches').accept(3);
    behind.open('sink', 'sink').accept(3);
    expect(behind.stats()).toMatchObject({ accepted: 3, pending: 3, between: 0 });

    const alone = createLedger();
    alone.open('input', 'in').accept(3);
    const sink = alone.open('sink', 'sink');
    sink.accept(2);
    sink.settle(2, delivered(2));
    expect(alone.stats()).toMatchObject({ accepted: 3, delivered: 2, pending: 3, between: -2 });
  });

  test('tells which stage follows which, by the same array until that changes', () => {
    const ledger = createLedger();
    ledger.open('input', 'in');
    ledger.open('batch', 'batches');
    const { places } = ledger.stats();
    expect(ledger.stats().places).toBe(places);
    ledger.route('main').open('sink', 'a');
    ledger.route('backup').open('sink', 'b');
    expect(ledger.stats().places).toEqual([
      { stage: 'in', role: 'input', follows: [] },
      { stage: 'batches', role: 'batch', follows: ['in'] },
      { stage: 'a', role: 'sink', follows: ['batches'], route: 'main' },
      { stage: 'b', role: 'sink', follows: ['batches'], route: 'backup' },
    ]);
  });

  test('stages of one name get distinct keys', () => {
    const ledger = createLedger();
    for (let index = 0; index < 3; index += 1) ledger.open('sink', 'exportTo(otlpHttp)');
    expect(Object.keys(ledger.stats().stages)).toEqual([
      'exportTo(otlpHttp)',
      'exportTo(otlpHttp)#2',
      'exportTo(otlpHttp)#3',
    ]);
  });

  test('stages without end share their books, so that a pipeline per tenant does not fill the memory', () => {
    const ledger = createLedger();
    for (let index = 0; index < 2_000; index += 1) ledger.open('sink', 'exportTo(otlpHttp)').accept(1);
    expect(Object.keys(ledger.stats().stages)).toHaveLength(256);
    expect(ledger.stats()).toMatchObject({ accepted: 2_000, pending: 2_000 });
  });

  test('a ledger without stages is empty', () => {
    expect(createLedger().stats()).toMatchObject({ offered: 0, pending: 0, queueSize: 0, batchSize: 0, stages: {} });
  });

  test('gauges are read when asked, and summed', () => {
    const ledger = createLedger();
    ledger.open('input', 'in').watch({ queueSize: () => 2 });
    const batches = ledger.open('batch', 'batches');
    batches.watch({ queueSize: () => 3, queueBytes: () => 30, batchSize: () => 500 });
    const unwatch = batches.watch({ queueSize: () => 7 });
    ledger.open('sink', 'sink').watch({ inFlight: () => 4 });
    expect(ledger.stats()).toMatchObject({ queueSize: 12, queueBytes: 30, batchSize: 500, inFlight: 4 });
    unwatch();
    expect(ledger.stats()).toMatchObject({ queueSize: 5 });
  });
});

describe('stats$', () => {
  const followed = () => {
    const scheduler = new VirtualTimeScheduler();
    const ledger = createLedger({ intervalMillis: 100, scheduler });
    const account = ledger.open('batch', 'batches');
    const seen: string[] = [];
    const subscription = ledger.stats$.subscribe({
      next: (stats) => seen.push(`${scheduler.now()}: ${stats.accepted}`),
      complete: () => seen.push(`${scheduler.now()}: |`),
    });
    return { scheduler, ledger, account, seen, subscription };
  };

  test('tells the books at once, and then at most once per interval in which they changed', () => {
    const { scheduler, account, seen } = followed();
    for (const at of [10, 20, 150, 500]) scheduler.schedule(() => account.accept(1), at);
    scheduler.flush();
    expect(seen).toEqual(['0: 0', '110: 2', '250: 3', '600: 4']);
  });

  test('has no timer while nothing changes, and none when it is unsubscribed', () => {
    const { scheduler, account, subscription } = followed();
    expect(scheduler.actions).toHaveLength(0);
    account.accept(1);
    expect(scheduler.actions).toHaveLength(1);
    subscription.unsubscribe();
    account.accept(1);
    expect(scheduler.actions).toHaveLength(0);
  });

  test('goes on for those who stay when another one unsubscribes', () => {
    const { scheduler, ledger, account, seen } = followed();
    ledger.stats$.subscribe().unsubscribe();
    account.accept(1);
    scheduler.flush();
    expect(seen).toEqual(['0: 0', '100: 1']);
  });

  test('tells of attempts and of failing callbacks, too, and of what its first listener changes', () => {
    const scheduler = new VirtualTimeScheduler();
    const ledger = createLedger({ intervalMillis: 100, scheduler });
    const account = ledger.open('sink', 'sink');
    const seen: string[] = [];
    ledger.stats$.subscribe((stats) => {
      if (seen.length === 0) account.accept(1);
      seen.push(`${scheduler.now()}: ${stats.accepted} ${stats.attempts} ${stats.retries} ${stats.callbackErrors}`);
    });
    scheduler.schedule(() => account.attempted(true), 200);
    scheduler.schedule(() => account.callbackFailed(), 400);
    scheduler.flush();
    expect(seen).toEqual(['0: 0 0 0 0', '100: 1 0 0 0', '300: 1 1 1 0', '500: 1 1 1 1']);
  });

  test('ends with the final books', () => {
    const { ledger, account, seen } = followed();
    account.accept(1);
    ledger.close();
    expect(seen).toEqual(['0: 0', '0: 1', '0: |']);
    const late: number[] = [];
    ledger.stats$.subscribe({ next: (stats) => late.push(stats.accepted), complete: () => late.push(-1) });
    expect(late).toEqual([1, -1]);
  });

  test('refuses an interval out of its range', () => {
    expect(() => createLedger({ intervalMillis: 1 })).toThrow(
      'createLedger.intervalMillis must be a duration in milliseconds, from 10',
    );
  });
});
