import {
  bufferCount,
  concatAll,
  delay,
  filter,
  map,
  mergeMap,
  type OperatorFunction,
  of,
  pipe,
  Subject,
  take,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger } from '../src/index.ts';
import { supervised } from '../src/operators/supervised/supervised.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcdeABCDE');

const upper = map((letter: string) => letter.toUpperCase());

/** Throws for these letters. */
const failing = (bad: string) => map((letter: string) => (bad.includes(letter) ? throwing() : letter));

/** The operators as a stage with books, what it has lost, and what has thrown. */
function kept(...operators: OperatorFunction<string, string>[]) {
  const ledger = createLedger();
  const lost: string[] = [];
  const thrown: string[] = [];
  const stage = supervised(operators, {
    ledger,
    onLoss: ({ count, reason }) => lost.push(`${count} ${reason}`),
    onCallbackError: (error) => thrown.push((error as { code: string }).code),
  });
  return { stage, lost, thrown, books: () => ledger.stats().stages.operators };
}

describe('supervised', () => {
  test('an operator that throws loses its item, and the stream goes on', async () => {
    const { stage, lost, thrown, books } = kept(failing('b'), upper);
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^------!';
      const expected = '    -A---C-|';
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect([lost, thrown]).toEqual([['1 operatorFailed'], ['OPERATOR_FAILED']]);
    expect(books()).toMatchObject({ offered: 3, accepted: 3, handedOn: 2, lost: { operatorFailed: 1 }, pending: 0 });
  });

  test('an operator in front of it keeps what it holds', async () => {
    const { stage, lost } = kept(delay(4), failing('b'));
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc-----|', LETTERS);
      const subs = '        ^-------!';
      const expected = '    ----a-c-|';
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['1 operatorFailed']);
  });

  test('an asynchronous one loses all that has not come out', async () => {
    const { stage, lost, books } = kept(mergeMap((letter) => of(letter).pipe(delay(3), failing('b'))));
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abcd---e----|', LETTERS);
      const subs = '        ^-----------!';
      const expected = '    ---a------e-|';
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['3 operatorFailed']);
    expect(books()).toMatchObject({ accepted: 5, handedOn: 2 });
  });

  test('one that makes more of an item may lose more than came in, and the books hold', async () => {
    const { stage, lost, books } = kept(
      mergeMap((letter) => of(letter, letter, letter)),
      failing('a'),
    );
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-|', LETTERS);
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(stage)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['1 operatorFailed', '1 operatorFailed', '1 operatorFailed']);
    expect(books()).toMatchObject({ accepted: 3, handedOn: 0, lost: { operatorFailed: 3 }, pending: 0 });
  });

  test('one that completes early takes out the rest, and the stream stays open until the source ends', async () => {
    const { stage, lost, thrown } = kept(take(2), pipe(bufferCount<string>(3), concatAll()));
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-b-c-|', LETTERS);
      const subs = '        ^-----!';
      const expected = '    --(ab)|';
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect([lost, thrown]).toEqual([[], ['OPERATOR_ENDED']]);
  });

  test('stopWhen gives up what asynchronous operators hold, and completes', async () => {
    const lost: string[] = [];
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab-----c--', LETTERS);
      const subs = '        ^--------!';
      const stopWhen = hot('---------x');
      const expected = '    ----ab---|';
      const stage = supervised<string>([delay(4)], {
        stopWhen,
        onLoss: ({ count, reason }) => lost.push(`${count} ${reason}`),
      });
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['1 shutdown']);
  });
});

describe('supervised: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -', LETTERS);
      const subs = '        ^---!';
      const expected = '    -----';
      expectObservable(source.pipe(supervised<string>([upper])), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|', LETTERS);
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(supervised<string>([upper, filter(() => true)]))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: an item passes all operators', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a|', LETTERS);
      const subs = '        ^-!';
      const expected = '    -A|';
      expectObservable(source.pipe(supervised<string>([upper, filter(() => true)]))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: in the order of the operators; without any, all pass', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc|', LETTERS);
      const subs = '        ^--!';
      const expected = '    A-C|';
      expectObservable(source.pipe(supervised([filter((letter) => letter !== 'b'), upper]))).toBe(expected, LETTERS);
      expectObservable(source.pipe(supervised<string>([]))).toBe('abc|', LETTERS);
      expectSubscriptions(source.subscriptions).toBe([subs, subs]);
    }));

  test('error: an error of the source comes at once', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-#', LETTERS);
      const subs = '        ^-!';
      const expected = '    A-#';
      expectObservable(source.pipe(supervised([upper]))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: reports what asynchronous operators hold', async () => {
    const { stage, lost } = kept(delay(2));
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-bc-', LETTERS);
      const subs = '        ^---!';
      const expected = '    --a--';
      expectObservable(source.pipe(stage), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['2 unsubscribed']);
  });

  test('throwing callback: onLoss and onCallbackError that throw change nothing', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc|', LETTERS);
      const subs = '        ^--!';
      const expected = '    a-c|';
      const stage = supervised([failing('b')], { onLoss: throwing, onCallbackError: throwing });
      expectObservable(source.pipe(stage)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('synchronous re-entrancy: an item that comes while another one passes, or fails, is not lost', () => {
    const source = new Subject<string>();
    const seen: string[] = [];
    const { stage, lost } = kept(failing('b'));
    source.pipe(stage).subscribe((letter) => {
      seen.push(letter);
      if (letter === 'a') source.next('b');
      if (letter === 'a') source.next('c');
    });
    source.next('a');
    source.next('d');
    expect(seen).toEqual(['a', 'c', 'd']);
    expect(lost).toEqual(['1 operatorFailed']);
  });
});
