import { createHmac } from 'node:crypto';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type Loss } from '../src/index.ts';
import { withAttributes } from '../src/model/changedSpan.ts';
import { type RedactOptions, redact } from '../src/processors/index.ts';
import { marbles } from '../src/testing/index.ts';
import { spanWith } from '../test/support/spans.ts';
import { throwing } from './support.ts';

const KEYS: RedactOptions = { keys: ['user.pin'] };

describe('redact', () => {
  test('replaces values; a span without any is passed on as it is', async () => {
    const ledger = createLedger();
    await marbles(({ cold, spans, expectObservable, expectSubscriptions, expectLedger, diagram }) => {
      diagram('redact', { title: 'redact: a has a pin, and A is a without it; b has none' });
      const { a, b } = spans({ a: { attributes: { 'user.pin': 1234, 'user.id': 'u1' } }, b: {} });
      const A = withAttributes(a, { 'user.pin': '[redacted]' });
      const source = cold(' -a-b-|');
      const subs = '        ^----!';
      const expected = '    -A-b-|';
      expectObservable(source.pipe(redact({ ...KEYS, ledger }))).toBe(expected, { A, b });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, handedOn: 2 });
    });
  });
});

describe('redact: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(redact(KEYS)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(redact(KEYS))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted at once', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-|');
      const subs = '        ^--!';
      const expected = '    -a-|';
      expectObservable(source.pipe(redact(KEYS))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: keep their order', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc(de)-|');
      const subs = '        ^-------!';
      const expected = '    abc(de)-|';
      expectObservable(source.pipe(redact(KEYS))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: passes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' a-#');
      const subs = '        ^-!';
      const expected = '    a-#';
      expectObservable(source.pipe(redact(KEYS))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: unsubscribes the source', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-b-c-');
      const subs = '        ^--!';
      const expected = '    a-b-';
      expectObservable(source.pipe(redact(KEYS)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: a span that throws does not pass, and what onLoss throws is reported, too', async () => {
    const thrown: unknown[] = [];
    const ledger = createLedger();
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, spans, expectObservable, expectSubscriptions }) => {
      const { a, b } = spans({ a: {}, b: {} });
      Object.defineProperty(a, 'attributes', { get: throwing });
      const source = cold(' ab|');
      const subs = '        ^-!';
      const expected = '    -b|';
      const operator = redact({ ...KEYS, onLoss: throwing, onCallbackError, ledger });
      expectObservable(source.pipe(operator)).toBe(expected, { b });
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
    expect(ledger.stats()).toMatchObject({ accepted: 2, handedOn: 1, lost: { operatorFailed: 1 }, callbackErrors: 2 });
  });

  test('synchronous re-entrancy: a span that comes during an emission is emitted within it, as map does', () => {
    const source = new Subject<ReadableSpan>();
    const log: string[] = [];
    source.pipe(redact(KEYS)).subscribe(({ name }) => {
      log.push(`<${name}`);
      if (name === 'a') source.next(spanWith({ name: 'b' }));
      log.push('>');
    });
    source.next(spanWith({ name: 'a' }));
    expect(log).toEqual(['<a', '<b', '>', '>']);
  });
});

/** What becomes of one span. */
function redacted(options: RedactOptions, parts: Partial<ReadableSpan>): ReadableSpan {
  const source = new Subject<ReadableSpan>();
  const seen: ReadableSpan[] = [];
  source.pipe(redact(options)).subscribe((span) => seen.push(span));
  source.next(spanWith(parts));
  return seen[0] as ReadableSpan;
}

const attributesOf = (options: RedactOptions, attributes: Record<string, unknown>) =>
  redacted(options, { attributes: attributes as ReadableSpan['attributes'] }).attributes;

describe('redact: what it replaces', () => {
  const secret = { keys: [/secret/i] };
  const digits = { patterns: [/\d{4}/] };
  const cases: readonly [RedactOptions, Record<string, unknown>, Record<string, unknown>, string][] = [
    [{ keys: ['a'] }, { a: 'x', ab: 'x' }, { a: '[redacted]', ab: 'x' }, 'an exact key'],
    [secret, { 'my.SECRET.thing': 1 }, { 'my.SECRET.thing': '[redacted]' }, 'a key that matches'],
    [
      { keys: [/a/g] },
      { a: 1, aa: 2 },
      { a: '[redacted]', aa: '[redacted]' },
      'each key, though the expression is global',
    ],
    [digits, { a: 'pin 1234, 5678' }, { a: 'pin [redacted], [redacted]' }, 'each match in a text'],
    [digits, { a: 1234 }, { a: 1234 }, 'a number is no text'],
    [digits, { a: ['1234', 'b'] }, { a: ['[redacted]', 'b'] }, 'texts in an array'],
    [digits, { a: { b: ['x', { c: '1234' }] } }, { a: { b: ['x', { c: '[redacted]' }] } }, 'texts within maps'],
    [secret, { a: { secret: [1, 2] } }, { a: { secret: '[redacted]' } }, 'keys within maps'],
    [{ patterns: [/[$]1/], replacement: '$&$1' }, { a: '$1' }, { a: '$&$1' }, 'the replacement is taken literally'],
    [
      { keys: ['__proto__'] },
      JSON.parse('{"__proto__":"x"}') as Record<string, unknown>,
      JSON.parse('{"__proto__":"[redacted]"}') as Record<string, unknown>,
      'a key that objects have another meaning for',
    ],
    [{ keys: ['a'], replacement: '' }, { a: 1 }, { a: '' }, 'the replacement may be empty'],
  ];
  test.each(cases)('%j in %j', (options, attributes, expected) => {
    const before = structuredClone(attributes);
    expect(attributesOf(options, attributes)).toEqual(expected);
    expect(attributes).toEqual(before);
  });

  test('events, links, the resource and the message of the status, and nothing of the original', () => {
    const options = { keys: ['pin'], patterns: [/\d{4}/] };
    const plain = spanWith();
    const context = plain.spanContext();
    const parts = {
      events: [{ name: '1234', time: [1, 0] as [number, number], attributes: { pin: 1, text: 'a 1234' } }],
      links: [{ context, attributes: { pin: 2 } }],
      status: { code: 2, message: 'no user 1234' },
      resource: { ...plain.resource, attributes: { pin: 3 } },
    };
    const before = structuredClone({ ...parts, resource: parts.resource.attributes });
    const span = redacted(options, parts);
    expect(span.events).toEqual([{ ...parts.events[0], attributes: { pin: '[redacted]', text: 'a [redacted]' } }]);
    expect(span.links).toEqual([{ context, attributes: { pin: '[redacted]' } }]);
    expect(span.status).toEqual({ code: 2, message: 'no user [redacted]' });
    expect(span.resource.attributes).toEqual({ pin: '[redacted]' });
    expect(span.resource.getRawAttributes()).toEqual([['pin', '[redacted]']]);
    expect({ ...parts, resource: parts.resource.attributes }).toEqual(before);
  });

  test('spans of one resource share the redacted one, so that they are encoded together', () => {
    const source = new Subject<ReadableSpan>();
    const seen: ReadableSpan[] = [];
    const resource = { ...spanWith().resource, attributes: { pin: 3 } };
    source.pipe(redact({ keys: ['pin'] })).subscribe((span) => seen.push(span));
    for (const name of ['a', 'b']) source.next(spanWith({ name, resource }));
    expect(seen[0]?.resource).toBe(seen[1]?.resource);
    expect(seen[0]?.resource).not.toBe(resource);
  });

  test('attributes of a resource that are pending are redacted when they have come', () => {
    const { resource: empty } = spanWith();
    const resource = { ...empty, asyncAttributesPending: true, attributes: { a: 1 } as Record<string, unknown> };
    const span = redacted({ keys: ['pin'] }, { resource: resource as ReadableSpan['resource'] });
    expect(span.resource.attributes).toEqual({ a: 1 });
    resource.attributes = { a: 1, pin: 3 };
    expect(span.resource.attributes).toEqual({ a: 1, pin: '[redacted]' });
  });

  test('a hash is HMAC-SHA-256: of a text, and of the JSON of any other value', () => {
    const hash = { key: 'sixteen bytes ok' };
    const of = (text: string) => createHmac('sha256', hash.key).update(text).digest('hex');
    const options = { keys: ['pin'], patterns: [/\d{4}/], hash };
    expect(attributesOf(options, { pin: 'abc' })).toEqual({ pin: of('abc') });
    expect(attributesOf(options, { pin: [1, 'x'] })).toEqual({ pin: of('[1,"x"]') });
    expect(attributesOf(options, { text: 'is 1234' })).toEqual({ text: `is ${of('1234')}` });
  });

  test('a circle ends, and nothing below the greatest depth gets through', () => {
    const circle: Record<string, unknown> = { text: '1234' };
    circle.self = circle;
    expect(JSON.stringify(attributesOf({ patterns: [/\d{4}/] }, { circle }))).not.toContain('1234');
  });
});

describe('redact: options', () => {
  test.each([
    [{}, /redact options must be given keys, patterns, or both/],
    [{ keys: 'a' }, /redact\.keys must be an array of keys and regular expressions/],
    [{ patterns: ['a'] }, /redact\.patterns must be an array of regular expressions/],
    [{ hash: { key: 'short' } }, /redact\.hash\.key must be a text or bytes, of 16 bytes or more/],
    [
      { hash: { key: 'sixteen bytes ok' }, replacement: 'x' },
      /redact\.replacement must be a string, and only without a hash/,
    ],
    [{ key: ['a'] }, /did you mean 'keys'/],
  ])('%j is refused', (options, message) => {
    expect(() => redact(options as RedactOptions)).toThrow(message);
  });

  test('the key of the hash is not shown', () => {
    expect(() => redact({ keys: ['a'], hash: { key: 'my secret' } })).toThrow(/^(?!.*my secret)/);
  });

  test('a lost span is reported with its reason', () => {
    const lost: Loss[] = [];
    const source = new Subject<ReadableSpan>();
    source.pipe(redact({ keys: ['a'], onLoss: (loss) => lost.push(loss) })).subscribe();
    source.next(Object.defineProperty(spanWith(), 'attributes', { get: throwing }));
    expect(lost).toEqual([{ count: 1, reason: 'operatorFailed', stage: 'redact' }]);
  });
});
