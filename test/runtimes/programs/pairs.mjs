// A marble test, in whichever test runner: `test` is its own.
import { map } from 'rxjs';
import { adaptiveBatch, exportTo, fixedSize } from 'spanflow';
import { marbles } from 'spanflow/testing';

export const sendsPairs = () =>
  marbles(({ hot, spans, sink, expectObservable, expectAttempts }) => {
    spans({ a: {}, b: {} });
    const source = hot('    -a-b-----|');
    const backend = sink('   --(r|)');
    const attempts = ['     ---^-!'];
    const expected = '      -----o---|';
    const batch = adaptiveBatch({ maxExportBatchSize: 2, minExportBatchSize: 1, strategy: fixedSize() });
    const outcomes = source.pipe(
      batch,
      exportTo(backend),
      map(({ delivered }) => `delivered ${delivered}`),
    );
    expectObservable(outcomes).toBe(expected, { o: 'delivered 2' });
    expectAttempts(backend).toBe(attempts, ['ab']);
  });
