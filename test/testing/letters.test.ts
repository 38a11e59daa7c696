import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { bufferCount, firstValueFrom, map, of } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch, createLedger, exportTo } from '../../src/index.ts';
import { redact } from '../../src/processors/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { failureOf } from './failureOf.ts';

const withoutPin = () => redact({ keys: ['pin'] });
const PIN = { a: { attributes: { pin: 1234 } } };

test('a redacted span has a letter in batches, outcomes, attempts, ledgers and drawings', () =>
  marbles(async ({ hot, spans, letters, sink, onLoss, ...expects }) => {
    const { expectObservable, expectBatches, expectOutcomes, expectAttempts, expectLedger } = expects;
    const ledger = createLedger();
    const backend = sink('-(r|)', '-p');
    const { a } = spans(PIN);
    const { A } = letters({ A: await firstValueFrom(of(a).pipe(withoutPin())) });
    expect(A.attributes).toEqual({ pin: '[redacted]' });
    const source = hot('    ab---a|');
    const clean$ = source.pipe(withoutPin());
    expectObservable(clean$).toBe('Ab---A|');
    expectBatches(clean$.pipe(bufferCount(2))).toBe('-[Ab]-([A]|)');
    const batches = adaptiveBatch<ReadableSpan>({ scheduledDelayMillis: 2, ledger });
    expectOutcomes(clean$.pipe(batches, exportTo(backend, { ledger, onLoss }))).toBe('---o---(x|)', {
      o: { delivered: 'Ab', batch: 'Ab' },
      x: { lost: { permanent: 'A' } },
    });
    expectAttempts(backend).toBe(['--^!', '------^!'], ['Ab', 'A']);
    expectLedger(ledger, { accepted: 3, delivered: 'Ab', lost: { permanent: 'A' } });
  }));

test('the span itself is another one than what an operator has made of it', async () => {
  const message = await failureOf(async ({ hot, spans, letters, sink, expectOutcomes }) => {
    const { a } = spans(PIN);
    letters({ A: await firstValueFrom(of(a).pipe(withoutPin())) });
    const exported$ = hot('ab|').pipe(adaptiveBatch(), exportTo(sink('-(r|)')));
    expectOutcomes(exported$).toBe('---(o|)', { o: { delivered: 'Ab' } });
  });
  expect(message).toContain('[ab]: 2 delivered');
});

test('named values can be drawn, and a name is one letter', async () => {
  await marbles(({ cold, letters, expectObservable }) => {
    letters({ x: 1, y: 2 });
    expectObservable(
      (cold('x-b|') as ReturnType<typeof cold<unknown>>).pipe(map((value) => (value === 1 ? 2 : value))),
    ).toBe('y-b|');
  });
  expect(await failureOf(({ letters }) => letters({ ab: 1 }))).toContain('letters(…) takes letters, and ab is none');
});
