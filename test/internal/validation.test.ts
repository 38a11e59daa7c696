import { describe, expect, test } from 'vitest';
import { nearestName } from '../../src/internal/nearestName.ts';
import {
  type Arguments,
  aFunction,
  limit,
  millis,
  optional,
  type Rules,
  record,
  settingsOf,
  shape,
  whole,
} from '../../src/internal/validation.ts';
import { InvalidOptionError } from '../../src/model/errors.ts';

interface Settings {
  max: number;
  min: number;
  wait: number;
  write: ((line: string) => void) | undefined;
  retry: object;
}

const DEFAULTS: Settings = { max: 10, min: 2, wait: 100, write: undefined, retry: {} };
const RULES: Rules<Settings> = {
  max: whole(1),
  min: whole(1, 'max'),
  wait: millis(0),
  write: optional(aFunction),
  retry: record({ attempts: limit(1), backoff: aFunction }),
};

const settings = (given: unknown, args: Arguments = {}) =>
  settingsOf<Settings>('stage', DEFAULTS, RULES, given as object, args);

function errorOf(work: () => unknown): InvalidOptionError {
  try {
    work();
  } catch (error) {
    return error as InvalidOptionError;
  }
  throw new Error('nothing was thrown');
}

describe('settingsOf', () => {
  test('lays what is given over the defaults; undefined is the default', () => {
    expect(settings({ max: 20, min: undefined })).toEqual({ ...DEFAULTS, max: 20 });
  });

  test('reports every mistake of a call in one error; its own fields are those of the first', () => {
    const error = errorOf(() => settings({ max: 0, wait: -1, write: 'no', retry: { attempts: 0, backof: 1 } }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({
      code: 'INVALID_OPTION',
      option: 'stage.max',
      rule: 'a whole number from 1',
      given: 0,
    });
    expect(error.mistakes.map(({ option }) => option)).toEqual([
      'stage.max',
      'stage.wait',
      'stage.write',
      'stage.retry.backof',
      'stage.retry.attempts',
    ]);
    expect(error.message).toBe(
      'stage.max must be a whole number from 1, but was given 0; ' +
        'stage.wait must be a duration in milliseconds, from 0 to 2147483647, but was given -1; ' +
        'stage.write must be a function, but was given "no"; ' +
        "stage.retry.backof must be one of the known options; did you mean 'backoff'?; " +
        'stage.retry.attempts must be a whole number from 1, or Infinity, but was given 0',
    );
  });

  test('names an argument beside the options, with the mistakes in these', () => {
    const sink = [{}, shape('a sink', 'export')] as const;
    const error = errorOf(() => settings({ max: 0 }, { sink }));
    expect(error.mistakes.map(({ option }) => option)).toEqual(['stage.sink', 'stage.max']);
  });

  test('refuses what is no object, with the arguments beside it', () => {
    const sink = [{}, shape('a sink', 'export')] as const;
    const error = errorOf(() => settings(5, { sink }));
    expect(error.mistakes.map(({ message }) => message)).toEqual([
      'stage.sink must be a sink, but was given an empty object',
      'stage options must be an object, but was given 5',
    ]);
  });

  test('names the nearest known option, and shows no value of an unknown one: it may be a secret', () => {
    const { message, given, option } = errorOf(() => settings({ mxa: 's3cret' }));
    expect(message).toBe("stage.mxa must be one of the known options; did you mean 'max'?");
    expect([option, given]).toEqual(['stage.mxa', 'string']);
  });

  test('says what is meant first, and once at its end which options there are, if nothing is near', () => {
    const error = errorOf(() => settings({ delay: 1, mxa: 2, color: 3, retry: { url: 4 } }));
    expect(error.message).toBe(
      'stage.delay must be one of the known options; ' +
        "stage.mxa must be one of the known options; did you mean 'max'?; " +
        'stage.color must be one of the known options; ' +
        'stage.retry.url must be one of the known options; ' +
        'the options of stage are max, min, wait, write, retry; ' +
        'the options of stage.retry are attempts, backoff',
    );
    expect(error.mistakes.map(({ known }) => known?.length)).toEqual([5, undefined, 5, 2]);
  });

  test('shows the keys of an object, and no values: they may be secret', () => {
    const shownFor = (max: unknown) => errorOf(() => settings({ max })).message.split('was given ')[1];
    class Secret {
      key = 's3cret';
    }
    expect(shownFor({ key: 's3cret' })).toBe('an object with the key key');
    expect(shownFor({ a: 1, 'b\n': 2 })).toBe('an object with keys a, b\\n');
    expect(shownFor({ a: 1, b: 2, c: 3, d: 4 })).toBe('an object with keys a, b, c, …');
    expect(shownFor({ ['k'.repeat(50)]: 1 })).toBe(`an object with the key ${'k'.repeat(40)}…`);
    expect(shownFor(Object.create(null))).toBe('an empty object');
    expect(shownFor(new Secret())).toBe('an object Secret');
  });

  test('knows no option that every object has', () => {
    expect(errorOf(() => settings({ constructor: 1, toString: 1 })).mistakes).toHaveLength(2);
  });

  test('bounds an option by another one, and by the default of it', () => {
    expect(errorOf(() => settings({ max: 5, min: 6 })).message).toBe(
      'stage.min must be a whole number from 1 to 5, but was given 6',
    );
    expect(errorOf(() => settings({ min: 11 })).message).toBe(
      'stage.min must be a whole number from 1 to 10, but was given 11',
    );
  });

  test('reports a default that does not fit only if nothing that was given is wrong', () => {
    expect(errorOf(() => settings({ max: 1 })).mistakes.map(({ option }) => option)).toEqual(['stage.min']);
    expect(errorOf(() => settings({ max: 1, wait: -1 })).mistakes.map(({ option }) => option)).toEqual(['stage.wait']);
  });

  test('does not bound an option by one that is wrong itself', () => {
    expect(errorOf(() => settings({ max: -1, min: 7 })).mistakes.map(({ option }) => option)).toEqual(['stage.max']);
  });
});

describe('nearestName', () => {
  const known = ['maxQueueSize', 'maxQueueBytes', 'scheduledDelayMillis', 'timeoutMillis', 'concurrency', 'retry'];

  test.each([
    ['maxQueSize', 'maxQueueSize'],
    ['maxqueuesize', 'maxQueueSize'],
    ['concurency', 'concurrency'],
    ['timeout', 'timeoutMillis'],
    ['rerty', 'retry'],
    ['maxQueueBites', 'maxQueueBytes'],
  ])('%s is probably %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant);
  });

  test.each(['delay', 'url', 'x', '', 'a'.repeat(100_000)])('%.20s is no slip of any', (name) => {
    expect(nearestName(name, known)).toBeUndefined();
  });
});
