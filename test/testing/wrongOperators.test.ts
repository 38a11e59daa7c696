import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { adaptiveBatch, createLedger, fixedSize } from '../../src/index.ts';
import { type MarbleKit, marbles } from '../../src/testing/index.ts';
import { failureOf } from './failureOf.ts';
import { type Fault, pairs, send } from './wrongOperators.ts';

/** The recorded failures of the wrong operators, without line numbers. */
const FAILURES = join(import.meta.dirname, 'wrong-operators');

/** Low limits, so that an endless run fails soon. */
const OPTIONS = { maxVirtualMillis: 1_000 };

const BATCHES = {
  maxExportBatchSize: 2,
  minExportBatchSize: 1,
  scheduledDelayMillis: 4,
  strategy: fixedSize(),
} as const;

/** The marble test that finds each fault. The right operator passes all of them. */
const TESTS: Readonly<Record<Exclude<Fault, 'none'>, (kit: MarbleKit, fault: Fault) => void>> = {
  'drops the last batch': ({ hot, expectBatches }, fault) => {
    const source = hot('  -a-b----c-|     ');
    const expected = '    ---[ab]---([c]|)';
    expectBatches(source.pipe(pairs(fault))).toBe(expected);
  },
  'ticks while idle': ({ cold, expectBatches }, fault) => {
    const source = cold(' ------');
    const expected = '    ------';
    expectBatches(source.pipe(pairs(fault))).toBe(expected);
  },
  'leaks a timer': ({ hot, expectBatches, expectSubscriptions }, fault) => {
    const source = hot('  -a-----');
    const subs = '        ^--!   ';
    const expected = '    -------';
    expectBatches(source.pipe(pairs(fault)), subs).toBe(expected);
    expectSubscriptions(source.subscriptions).toBe(subs);
  },
  'emits after completion': ({ hot, expectBatches }, fault) => {
    const source = hot('  -a|    ');
    const expected = '    --([a]|)';
    expectBatches(source.pipe(pairs(fault))).toBe(expected);
  },
  'forgets to abort': ({ hot, sink, expectBatches, expectAttempts }, fault) => {
    const backend = sink<ReadableSpan>('-----(r|)');
    const source = hot('  ab------');
    const unsub = '       ^--!    ';
    const attempts = '    -^-!    ';
    const expected = '    --------';
    expectBatches(source.pipe(adaptiveBatch<ReadableSpan>(BATCHES), send(backend, fault)), unsub).toBe(expected);
    expectAttempts(backend).toBe(attempts, ['ab']);
  },
  reorders: ({ hot, expectBatches }, fault) => {
    const source = hot('  -a-b----|');
    const expected = '    ---[ab]-|';
    expectBatches(source.pipe(pairs(fault))).toBe(expected);
  },
  duplicates: ({ hot, expectBatches }, fault) => {
    const source = hot('  -a-b----c-d----|');
    const expected = '    ---[ab]---[cd]-|';
    expectBatches(source.pipe(pairs(fault))).toBe(expected);
  },
  'forgets a hold': ({ hot, sink, expectBatches, expectAttempts, expectLedger }, fault) => {
    const ledger = createLedger();
    const backend = sink<ReadableSpan>('-(r|)', '-#');
    const source = hot('  ab-----cd------');
    const unsub = '       ^-----------!  ';
    const attempts = ['   -^!', ' --------^!'];
    const expected = '    --[ab]---------';
    const batches = source.pipe(adaptiveBatch<ReadableSpan>({ ...BATCHES, ledger }), send(backend, fault));
    expectBatches(batches, unsub).toBe(expected);
    expectAttempts(backend).toBe(attempts, ['ab', 'cd']);
    expectLedger(ledger, { delivered: 'ab', removed: 2 });
  },
};

const FAULTS = Object.keys(TESTS) as Exclude<Fault, 'none'>[];

describe('an operator that', () => {
  it('has a recorded failure for every fault', () => {
    expect(readdirSync(FAILURES).sort()).toEqual(FAULTS.map((fault) => `${fault.replaceAll(' ', '-')}.txt`).sort());
  });

  it.each(FAULTS)('%s passes after the fault is mended', (fault) =>
    marbles((kit) => TESTS[fault](kit, 'none'), OPTIONS),
  );

  it.each(FAULTS)('%s fails with its recorded message', async (fault) => {
    const failure = await failureOf((kit) => TESTS[fault](kit, fault), OPTIONS);
    const lasting = failure.replaceAll(/:\d+:\d+/g, ':LINE');
    await expect(`${lasting}\n`).toMatchFileSnapshot(join(FAILURES, `${fault.replaceAll(' ', '-')}.txt`));
  });
});
