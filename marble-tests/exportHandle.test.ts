import { Observable } from 'rxjs';
import { describe, test } from 'vitest';
import { exportHandle } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';

describe('exportHandle', () => {
  test('callers share a batch, and each is answered for what is theirs', () =>
    marbles(async ({ hot, sink, flush, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      const title = 'exportHandle: a delay of 4 ms, and a sink that answers after 2 ms';
      diagram('exportHandle', { title, sources: ['calls'], results: ['answers'] });
      const source = hot('  -a-b|');
      const subs = '        ^---!';
      const attempts = ['   -----^-!'];
      const expected = '    -------(ab)';
      const until = '       ^-----------!';
      const backend = sink('--(r|)');
      const handle = exportHandle(backend, { scheduledDelayMillis: 4 });
      const answers = new Observable((subscriber) => {
        source.subscribe((span) => {
          handle.export([span]).then(() => subscriber.next(span));
        });
      });
      expectObservable(answers, until).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['ab']);
      await flush();
      await handle.shutdown();
    }));
});
