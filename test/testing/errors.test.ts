import {
  ArgumentOutOfRangeError,
  EmptyError,
  first,
  map,
  materialize,
  NEVER,
  NotFoundError,
  Notification,
  ObjectUnsubscribedError,
  of,
  SequenceError,
  single,
  TimeoutError,
  throwError,
  timeout,
  UnsubscriptionError,
} from 'rxjs';
import { AjaxError, type AjaxRequest } from 'rxjs/ajax';
import { describe, expect, it } from 'vitest';
import { RaceTimeoutError } from '../../src/index.ts';
import { type MarbleKit, marbles } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

class RefusedError extends Error {
  readonly status: number;
  constructor(status: number, options?: ErrorOptions) {
    super('refused', options);
    this.status = status;
  }
}

class OtherRefusedError extends RefusedError {}

/** An error that keeps its stack as RxJS does. */
class LoudError extends Error {
  constructor(message: string) {
    super(message);
    Object.defineProperty(this, 'stack', { value: new Error('elsewhere').stack, enumerable: true });
  }
}

const xhr = { status: 503, responseType: 'json', response: { reason: 'busy' } } as AjaxError['xhr'];
const request = { url: '/spans', method: 'POST' } as AjaxRequest;
const timeoutInfo = (seen: number) => ({ meta: { of: 'a test' }, lastValue: null, seen });

/** Each function makes a new error at its own line. */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  EmptyError: () => new EmptyError(),
  ArgumentOutOfRangeError: () => new ArgumentOutOfRangeError(),
  NotFoundError: () => new NotFoundError('no such value'),
  'another NotFoundError': () => new NotFoundError('no such other value'),
  SequenceError: () => new SequenceError('too many'),
  ObjectUnsubscribedError: () => new ObjectUnsubscribedError(),
  UnsubscriptionError: () => new UnsubscriptionError([new EmptyError(), new Error('mine')]),
  'another UnsubscriptionError': () => new UnsubscriptionError([new EmptyError(), new RefusedError(1)]),
  TimeoutError: () => new TimeoutError(timeoutInfo(1)),
  'a TimeoutError that knows another count': () => new TimeoutError(timeoutInfo(2)),
  AjaxError: () => new AjaxError('ajax error 503', xhr, request),
  'an AjaxError of another request': () => new AjaxError('ajax error 503', xhr, { ...request, method: 'GET' }),
  Error: () => new Error('mine'),
  'an error with a code': () => Object.assign(new Error('mine'), { code: 'EMINE' }),
  'an error with a cause': () => new Error('mine', { cause: new EmptyError() }),
  'an error with another cause': () => new Error('mine', { cause: new SequenceError('too many') }),
  TypeError: () => new TypeError('mine'),
  'an error with a name of its own': () => Object.assign(new Error('mine'), { name: 'MyError' }),
  'a class of the user': () => new RefusedError(503),
  'the same with other data': () => new RefusedError(500),
  'a class of the user that extends it': () => new OtherRefusedError(503),
  'a class that keeps its stack': () => new LoudError('mine'),
  AggregateError: () => new AggregateError([new EmptyError(), new Error('mine')], 'both'),
  'another AggregateError': () => new AggregateError([new EmptyError(), new Error('yours')], 'both'),
  DOMException: () => new DOMException('mine', 'AbortError'),
  'another DOMException': () => new DOMException('mine', 'TimeoutError'),
  'an error of ours': () => new RaceTimeoutError('mine', 5),
};

const names = Object.keys(MAKERS);
const make = (name: string) => MAKERS[name]?.();

/** A run that expects one error and observes another. */
function expecting(expected: unknown, was: unknown) {
  return ({ expectObservable }: MarbleKit) => {
    expectObservable(throwError(() => was)).toBe('#', undefined, expected);
  };
}

describe('errors are compared by their facts', () => {
  it.each(names)('%s equals a copy of it', async (name) => {
    await marbles(expecting(make(name), make(name)));
  });

  it.each(names)('%s equals no other', async (name) => {
    for (const other of names.filter((candidate) => candidate !== name)) {
      expect({ other, failure: await failureOf(expecting(make(name), make(other))) }).toMatchObject({
        failure: expect.stringContaining('the marbles differ'),
      });
    }
  });

  it('also the errors that RxJS operators throw', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('--|').pipe(first())).toBe('--#', undefined, new EmptyError());
      const twice = cold('(ab|)', { a: 1, b: 2 });
      expectObservable(twice.pipe(single())).toBe('#', undefined, new SequenceError('Too many matching values'));
      const late = new TimeoutError({ meta: null, lastValue: null, seen: 0 });
      expectObservable(NEVER.pipe(timeout(3))).toBe('---#', undefined, late);
    }));

  it('also inside of objects, arrays, maps, sets and cycles', () =>
    marbles(({ cold, expectObservable }) => {
      const made = () => {
        const circle: Record<string, unknown> = { error: new EmptyError() };
        circle.self = circle;
        const holds = new Map([['error', new TimeoutError(timeoutInfo(1))]]);
        return { a: { kind: 'failed', error: new EmptyError() }, b: [new SequenceError('x')], c: circle, d: holds };
      };
      expectObservable(cold('abcd|', made())).toBe('abcd|', made());
      expectObservable(cold('a|').pipe(map(() => new Set([new EmptyError()])))).toBe('a|', {
        a: new Set([new EmptyError()]),
      });
    }));

  it('also inside of the notifications of materialize', async () => {
    const run = (expected: unknown) => {
      return ({ expectObservable }: MarbleKit) => {
        const failing = throwError(() => new EmptyError());
        expectObservable(failing.pipe(materialize())).toBe('(a|)', { a: Notification.createError(expected) });
      };
    };
    await marbles(run(new EmptyError()));
    expect(await failureOf(run(new SequenceError('x')))).toContain('the marbles differ');
  });

  it('by the keys of a plain object, if that is expected', async () => {
    const failing = (cause: unknown) => throwError(() => new RefusedError(503, { cause }));
    const wanted = { message: 'refused', cause: new EmptyError() };
    await marbles(({ expectObservable }) => {
      expectObservable(failing(new EmptyError())).toBe('#', undefined, wanted);
    });
    const failure = failureOf(({ expectObservable }) => {
      expectObservable(failing(new SequenceError('x'))).toBe('#', undefined, wanted);
    });
    expect(await failure).toContain('the marbles differ');
  });
});

describe('values without errors are compared as by assert.deepStrictEqual', () => {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['another key', { a: 1 }, { b: 1 }],
    ['a key that is undefined', { a: 1 }, { a: 1, b: undefined }],
    ['a hole at the end', [1], Object.assign([1], { length: 2 })],
    ['0 and -0', { a: 0 }, { a: -0 }],
    ['another class', new (class Point {})(), {}],
    ['another date', new Date(1), new Date(2)],
    ['other bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['another member', new Set([1]), new Set([2])],
    ['another function', { run: () => 1 }, { run: () => 1 }],
  ];

  it.each(pairs)('%s', async (_, expected, was) => {
    const failure = failureOf(({ expectObservable }) => {
      expectObservable(of({ error: new EmptyError(), was })).toBe('(a|)', {
        a: { error: new EmptyError(), was: expected },
      });
    });
    expect(await failure).toContain('the marbles differ');
  });

  it('maps and sets have no order', () =>
    marbles(({ expectObservable }) => {
      const made = (...keys: string[]) => ({
        error: new EmptyError(),
        set: new Set(keys),
        map: new Map(keys.map((key) => [key, 1])),
      });
      expectObservable(of(made('a', 'b'))).toBe('(a|)', { a: made('b', 'a') });
    }));
});

describe('the message of a failure', () => {
  it('shows where two errors with the same words differ', async () => {
    const failure = failureOf(expecting(new TimeoutError(timeoutInfo(1)), new TimeoutError(timeoutInfo(2))));
    expect(await failure).toBe(text`
      the marbles differ

        expected  #
        observed  #
                  ^

      at 0ms: the error # was expected, but the error # came
        #  was expected to be TimeoutError: Timeout has occurred
        #  was TimeoutError: Timeout has occurred
        they differ in info.seen: 1 was expected, but it was 2
    `);
  });

  it.each([
    [
      'another cause',
      'an error with a cause',
      'an error with another cause',
      "cause.class: 'EmptyErrorImpl' was expected, but it was 'SequenceErrorImpl'",
    ],
    ['a code that is missing', 'an error with a code', 'Error', "code: 'EMINE' was expected, but it was undefined"],
    [
      'another class',
      'a class of the user',
      'a class of the user that extends it',
      "class: 'RefusedError' was expected, but it was 'OtherRefusedError'",
    ],
    [
      'another error in an aggregate',
      'AggregateError',
      'another AggregateError',
      "errors.1.message: 'mine' was expected, but it was 'yours'",
    ],
  ])('%s', async (_, one, other, words) => {
    expect(await failureOf(expecting(make(one), make(other)))).toContain(`\n  they differ in ${words}`);
  });

  it('shows no stack for an error inside a value', async () => {
    const failure = failureOf(({ expectObservable }) => {
      const value = of({ error: new RefusedError(503) });
      expectObservable(value).toBe('(a|)', { a: { error: new RefusedError(500) } });
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  (a|)
        observed  (?|)
                   ^

      at 0ms: a was expected, but ? came
        a  { error: { RefusedError: refused status: 500 } }
        ?  { error: { RefusedError: refused status: 503 } }
    `);
  });
});
