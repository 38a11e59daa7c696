import { switchMap } from 'rxjs';
import { describe, test } from 'vitest';
import { fromLogRecordProcessor } from '../src/logs.ts';
import { marbles } from '../src/testing/index.ts';

describe('fromLogRecordProcessor', () => {
  test('keeps what is emitted before anybody subscribes, and then lets it through', () =>
    marbles(({ hot, logs, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromLogRecordProcessor: subscribed at s';
      diagram('fromLogRecordProcessor', { title, sources: ['onEmit', 'subscriber'], results: ['records$'] });
      const source = hot('   -a-b----c-d-|', logs());
      const arriving = hot(' ----(s|)');
      const subs = '         ^-----------!';
      const expected = '     ----(ab)c-d-|';
      const input = fromLogRecordProcessor();
      source.subscribe({ next: (record) => input.onEmit(record), complete: () => void input.shutdown() });
      expectObservable(arriving.pipe(switchMap(() => input.records$))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});
