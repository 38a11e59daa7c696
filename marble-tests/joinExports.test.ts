import { map, of, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ExportsToJoin, type JoinExportsOptions, joinExports } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, tallyOf, throwing } from './support.ts';

const LETTERS = letters('abtmr');

/** What a failed export is told as. */
const failed = (name: string, message: string) => ({
  code: 'JOIN_FAILED',
  message: `the export "${name}" failed: ${message}`,
});

/** How each ended: its value, or the message of its failure. */
const ends = map((results: Readonly<Record<string, PromiseSettledResult<unknown>>>) =>
  Object.fromEntries(
    Object.entries(results).map(([name, end]) => [name, end.status === 'fulfilled' ? end.value : end.reason.message]),
  ),
);

describe('joinExports', () => {
  test('aborts the others at the first failure, or lets everybody end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('joinExports', {
        title: 'joinExports: r tells that logs failed',
        sources: ['traces', 'logs', 'metrics'],
        subscriptions: ['to traces', 'to logs', 'to metrics'],
        results: ["mode 'all'", "mode 'settled'"],
      });
      const traces = cold(' ---t|', LETTERS);
      const logs = cold('   -----#');
      const metrics = cold('-------m|', LETTERS);
      const toTraces = ['  ^---!', '^---!'];
      const toLogs = ['    ^----!', '^----!'];
      const toMetrics = [' ^----!', '^-------!'];
      const all = '         -----#';
      const settled = '     --------(r|)';
      const exports = { traces, logs, metrics };
      const r = { traces: 't', logs: failed('logs', 'error').message, metrics: 'm' };
      expectObservable(joinExports(exports)).toBe(all, undefined, failed('logs', 'error'));
      expectObservable(joinExports(exports, { mode: 'settled' }).pipe(ends)).toBe(settled, { r });
      expectSubscriptions(traces.subscriptions).toBe(toTraces);
      expectSubscriptions(logs.subscriptions).toBe(toLogs);
      expectSubscriptions(metrics.subscriptions).toBe(toMetrics);
    }));

  test('an array gives an array, in its order', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const slow = cold('   ---a|', LETTERS);
      const fast = cold('   -b|', LETTERS);
      const subs = '        ^---!';
      const expected = '    ----(r|)';
      expectObservable(joinExports([slow, () => fast])).toBe(expected, { r: ['a', 'b'] });
      expectSubscriptions(slow.subscriptions).toBe(subs);
      expectSubscriptions(fast.subscriptions).toBe('^-!');
    }));

  test('an answer in which items were lost is a failure, and what was rejected for good is none', () =>
    marbles(({ expectObservable }) => {
      const lost = { ...tallyOf(3), lost: [{ count: 2, reason: 'queueFull', stage: 'exportHandle' }] } as const;
      const rejected = { ...tallyOf(3), rejected: 2 };
      const told = { ...failed('a', 'items were lost: 2 queueFull'), exportName: 'a', answer: lost };
      expectObservable(joinExports({ a: of(lost) })).toBe('#', undefined, told);
      expectObservable(joinExports({ a: of(rejected) })).toBe('(r|)', { r: { a: rejected } });
    }));

  test('what failed is the cause', () =>
    marbles(({ expectObservable }) => {
      const cause = new Error('mine');
      expectObservable(joinExports({ a: () => throwError(() => cause) })).toBe('#', undefined, { cause });
    }));

  test.each<[unknown, unknown, string]>([
    [undefined, {}, 'joinExports.exports must be an object of exports by name, or an array of exports, but was given'],
    [{}, { mode: 'any' }, "joinExports.mode must be one of 'all', 'settled', but was given \"any\""],
    [{}, { mod: 'all' }, "did you mean 'mode'?"],
  ])('refuses %o with %o', (exports, options, message) => {
    expect(() => joinExports(exports as ExportsToJoin, options as JoinExportsOptions)).toThrow(message);
  });

  test('fails an export that is nothing to subscribe to', () =>
    marbles(({ expectObservable }) => {
      const told = { code: 'JOIN_FAILED', exportName: 'a' };
      expectObservable(joinExports({ a: () => undefined as never })).toBe('#', undefined, told);
    }));
});

describe('joinExports: the compulsory cases', () => {
  test('never: an export that does not end is waited for', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -');
      const other = cold('   --(a|)', LETTERS);
      const expected = '     -';
      expectObservable(joinExports({ source, other })).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^');
      expectSubscriptions(other.subscriptions).toBe('^-!');
    }));

  test('empty: no exports are done at once; one that ends without a value has failed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  --|');
      const expected = '     --#';
      expectObservable(joinExports({})).toBe('(r|)', { r: {} });
      expectObservable(joinExports([])).toBe('(r|)', { r: [] });
      expectObservable(joinExports({ source })).toBe(
        expected,
        undefined,
        failed('source', 'it ended without an answer'),
      );
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }));

  test('one: its value is the result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  --(a|)', LETTERS);
      const expected = '     --(r|)';
      expectObservable(joinExports({ source })).toBe(expected, { r: { source: 'a' } });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }));

  test('many: of several values the last one is the result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b|', LETTERS);
      const expected = '     ----(r|)';
      expectObservable(joinExports({ source })).toBe(expected, { r: { source: 'b' } });
      expectSubscriptions(source.subscriptions).toBe('^---!');
    }));

  test('error: two that fail are told both, in the mode settled', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -#');
      const other = cold('   ---#');
      const expected = '     ---(r|)';
      const r = { source: failed('source', 'error').message, other: failed('other', 'error').message };
      expectObservable(joinExports({ source, other }, { mode: 'settled' }).pipe(ends)).toBe(expected, { r });
      expectSubscriptions(source.subscriptions).toBe('^!');
      expectSubscriptions(other.subscriptions).toBe('^--!');
    }));

  test('early unsubscribe: all are aborted', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  ----(a|)', LETTERS);
      const other = cold('   -----(a|)', LETTERS);
      const subs = '         ^--!';
      const expected = '     ----';
      expectObservable(joinExports({ source, other }), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(other.subscriptions).toBe(subs);
    }));

  test('throwing callback: a function that throws has failed, and the later ones do not begin', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a|', LETTERS);
      const expected = '     #';
      const exports = { before: source, thrown: throwing, after: source };
      expectObservable(joinExports(exports)).toBe(expected, undefined, failed('thrown', 'mine'));
      expectSubscriptions(source.subscriptions).toBe('(^!)');
    }));

  test('synchronous re-entrancy: a result that unsubscribes, and an export that ends another, are harmless', () => {
    const seen: string[] = [];
    const first = new Subject<string>();
    const second = new Subject<string>();
    first.subscribe({ complete: () => second.error(new Error('together')) });
    joinExports({ first, second }).subscribe({
      next: () => seen.push('next'),
      error: (error: Error) => seen.push(error.message),
    });
    first.next('a');
    first.complete();
    expect(seen).toEqual(['the export "second" failed: together']);
  });
});
