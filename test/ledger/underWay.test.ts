import { concat, NEVER, of, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { boundedMergeMap, createLedger, exportTo, type Response, type Sink } from '../../src/index.ts';

test('exportTo and boundedMergeMap show what runs and what waits, each by itself and in sum', () => {
  const ledger = createLedger();
  const answers = new Subject<Response>();
  const sink: Sink<string> = { name: 'sink', export: () => answers };
  const inner = new Subject<string>();
  const merging = concat(of('a', 'b', 'c', 'd'), NEVER)
    .pipe(boundedMergeMap(() => inner, { concurrency: 1, ledger }))
    .subscribe();
  const exporting = concat(of(['a'], ['b'], ['c']), NEVER)
    .pipe(exportTo(sink, { concurrency: 2, ledger }))
    .subscribe();
  const shown = () => {
    const { running, waiting, inFlight, stages } = ledger.stats();
    return { running, waiting, inFlight, merging: stages.boundedMergeMap, exporting: stages['exportTo(sink)'] };
  };
  expect(shown()).toMatchObject({
    ...{ running: 3, waiting: 4, inFlight: 2 },
    merging: { running: 1, waiting: 3 },
    exporting: { running: 2, waiting: 1 },
  });
  answers.next({});
  inner.complete();
  expect(shown()).toMatchObject({ running: 1, waiting: 0, merging: { running: 0 }, exporting: { running: 1 } });
  merging.unsubscribe();
  exporting.unsubscribe();
  expect(shown()).toMatchObject({ running: 0, waiting: 0 });
});
