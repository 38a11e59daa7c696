/**
 * The marble test of a pipeline of one's own: of three operators, in virtual time, under Node's own test runner.
 *
 *     node --test examples/06-marbleTest.ts
 */
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter, map, type Observable } from 'rxjs';
import { adaptiveBatch, exponentialBackoff, exportTo, fixedSize, type Sink } from 'spanflow';
import { marbles } from 'spanflow/testing';

/** Errors only, in twos, and one more try after 3 ms. */
const errorsTo = (sink: Sink<ReadableSpan>) => (spans$: Observable<ReadableSpan>) =>
  spans$.pipe(
    filter((span) => span.status.code === 2),
    adaptiveBatch({ maxExportBatchSize: 2, minExportBatchSize: 1, strategy: fixedSize() }),
    exportTo(sink, { retry: { maxAttempts: 2, backoff: exponentialBackoff({ initialMillis: 3, jitter: 'none' }) } }),
  );

test('sends pairs of errors, and tries a second time', () =>
  marbles(({ hot, spans, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
    spans({ a: { status: 'error' }, c: { status: 'error' } });
    const source = hot('    -a-b-c---------|');
    const subs = '          ^--------------!';
    const backend = sink('       -#', '--(r|)');
    const attempts = ['     -----^!', '   ---------^-!'];
    const expected = '      -----------o---|';
    expectObservable(source.pipe(errorsTo(backend), outcomes)).toBe(expected, { o: 'delivered 2 in 2 attempts' });
    expectSubscriptions(source.subscriptions).toBe(subs);
    expectAttempts(backend).toBe(attempts, ['ac', 'ac']);
  }));

function outcomes(source: ReturnType<ReturnType<typeof errorsTo>>): Observable<string> {
  return source.pipe(map(({ delivered, attempts }) => `delivered ${delivered} in ${attempts} attempts`));
}
