import { describe, expect, test, vi } from 'vitest';
import { TextCache } from '../../src/otlp/cache/textCache.ts';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { spanWith } from '../support/spans.ts';

function field(tag: number, ...content: (Buffer | number[])[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  expect(bytes.length).toBeLessThan(128);
  return Buffer.concat([Buffer.of(tag, bytes.length), bytes]);
}

const text = (tag: number, value: string): Buffer => field(tag, Buffer.from(value));

/** A request of one span, of these fields. */
function bodyOf(...span: Buffer[]): Buffer {
  return field(0x0a, field(0x12, field(0x12, ...span)));
}

function heldAs(...anyValues: Buffer[]): unknown {
  const fields = anyValues.map((content) => field(0x12, content));
  return decodeTraces(bodyOf(field(0x4a, text(0x0a, 'k'), ...fields)))[0]?.attributes.k;
}

describe('fields in another order than that of their numbers', () => {
  test('make the same spans: the resource and the scope may come last', () => {
    const span = field(0x12, text(0x2a, 'named'));
    const scope = field(0x0a, text(0x0a, 'scope'), text(0x12, '1.0'));
    const resource = field(0x0a, field(0x0a, text(0x0a, 'service.name'), field(0x12, text(0x0a, 'shop'))));
    const body = field(0x0a, text(0x1a, 'https://r'), field(0x12, text(0x1a, 'https://s'), span, scope), resource);
    expect(decodeTraces(body)[0]).toMatchObject({
      name: 'named',
      resource: { attributes: { 'service.name': 'shop' }, schemaUrl: 'https://r' },
      instrumentationScope: { name: 'scope', version: '1.0', schemaUrl: 'https://s' },
    });
  });

  test('and more than once: the last scalar counts, messages go on, lists grow', () => {
    const status = [field(0x7a, text(0x12, 'first')), field(0x7a, Buffer.of(0x18, 2))];
    const [span] = decodeTraces(bodyOf(text(0x2a, 'first'), ...status, text(0x2a, 'last')));
    expect(span).toMatchObject({ name: 'last', status: { code: 2, message: 'first' } });
    const list = (value: string): Buffer => field(0x2a, field(0x0a, text(0x0a, value)));
    expect(heldAs(list('a'), list('b'))).toEqual(['a', 'b']);
    const map = (key: string): Buffer => field(0x32, field(0x0a, text(0x0a, key)));
    expect(heldAs(map('a'), map('b'))).toEqual({ a: null, b: null });
  });

  test('of one oneof: the last one counts, and nothing of the first comes back', () => {
    const list = (value: string): Buffer => field(0x2a, field(0x0a, text(0x0a, value)));
    expect(heldAs(list('a'), text(0x0a, 'text'), list('b'))).toEqual(['b']);
    expect(heldAs(list('a'), field(0x32, field(0x0a, text(0x0a, 'key'))))).toEqual({ key: null });
    expect(heldAs(text(0x0a, 'text'), Buffer.of(0x40, 5))).toBeNull();
  });
});

describe('a malformed message', () => {
  test.each<[string, Buffer, RegExp]>([
    ['a string that is not UTF-8', bodyOf(field(0x2a, Buffer.of(0xc0, 0x80))), /near byte \d+ of 10: /],
    ['a long string that is not UTF-8', bodyOf(field(0x2a, Buffer.alloc(70, 0xff))), /near byte \d+ of \d+: /],
    ['a length beyond the message', Buffer.of(0x0a, 5, 0x12, 9, 0x12, 0, 0), /a length beyond the end of its message/],
    [
      'a length beyond the inner message alone',
      Buffer.from('0a0212050a0312010a', 'hex'),
      /a length beyond the end of its message/,
    ],
    ['a length beyond 32 bits', Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), /a length beyond the end/],
    ['an unknown varint without end', Buffer.alloc(20, 0xf8), /a varint of more than 10 bytes|29 bits/],
    ['a number cut short', bodyOf(Buffer.of(0x39, 1, 2, 3)), /its end inside a number/],
    ['a group that does not end', Buffer.of(0xa3, 0x06, 0x08, 1), /a group that does not end/],
    ['the end of another group', Buffer.of(0xa3, 0x06, 0xac, 0x06), /the end of another group/],
  ])('is refused with the reason and the place: %s', (_, bytes, reason) => {
    expect(() => decodeTraces(bytes)).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
    expect(() => decodeTraces(bytes)).toThrow(/^ExportTraceServiceRequest is malformed near byte \d+ of \d+: /);
    expect(() => decodeTraces(bytes)).toThrow(reason);
  });

  test('is refused in entity references too, although spans do not hold them', () => {
    const withEntity = (entity: Buffer): Buffer => field(0x0a, field(0x0a, field(0x1a, entity)));
    expect(decodeTraces(withEntity(text(0x12, 'service')))).toEqual([]);
    expect(() => decodeTraces(withEntity(Buffer.of(0x12, 9, 0x41)))).toThrow('a length beyond');
    expect(() => decodeTraces(withEntity(field(0x12, Buffer.of(0xff))))).toThrow('malformed');
  });
});

describe('decoded spans', () => {
  test('hold no memory of the body, which may be overwritten', () => {
    const attributes = { text: 'some text', long: 'x'.repeat(200), bytes: Uint8Array.of(1, 2, 3) };
    const body = encodeTraces([spanWith({ name: 'name', attributes: attributes as never })]);
    const [span] = decodeTraces(body);
    body.fill(0xff);
    expect(span).toMatchObject({ name: 'name', attributes });
  });

  test('are read from a slice of a larger buffer', () => {
    const body = encodeTraces([spanWith({ name: 'inside' })]);
    const larger = Buffer.concat([Buffer.alloc(3, 0xff), body, Buffer.alloc(5, 0xff)]);
    expect(decodeTraces(larger.subarray(3, 3 + body.length))[0]?.name).toBe('inside');
  });
});

describe('strings that come again', () => {
  function reading(texts: TextCache, value: string | Buffer): string {
    const bytes = Buffer.concat([Buffer.from('?'), Buffer.from(value as string), Buffer.from('?')]);
    return texts.read(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 1, bytes.length - 1);
  }

  test('equal their bytes the first time and every time', () => {
    const texts = new TextCache();
    const values = [
      '',
      'a',
      'abc',
      'abcd',
      'abcde',
      '\0',
      'é',
      '日本語',
      '🛒',
      '\ufffd',
      '\ufeff',
      '__proto__',
      'x'.repeat(64),
    ];
    for (let turn = 0; turn < 5; turn++) for (const value of values) expect(reading(texts, value)).toBe(value);
  });

  test('differ where any byte differs, after any others', () => {
    const texts = new TextCache();
    const different: string[] = [];
    const read = (value: string): void => {
      if (reading(texts, value) !== value) different.push(value);
    };
    for (let index = 0; index < 100_000; index++) {
      // A string that comes twice in turn is kept. The others begin or end with a kept one.
      const text = `v${index.toString(36).padStart(7, '.')}`;
      for (const value of [text, text, text.slice(0, 4), `${text}${text}`, `x${text}`, text.slice(4)]) read(value);
    }
    expect(different).toEqual([]);
    expect(reading(texts, 'abc')).toBe('abc');
    expect(reading(texts, 'abc\0')).toBe('abc\0');
  });

  /** How many of these strings were made from bytes. */
  function made(texts: TextCache, values: readonly string[]): number {
    const makers = Buffer.prototype as unknown as Record<'latin1Slice' | 'utf8Slice', () => string>;
    const spies = [vi.spyOn(makers, 'latin1Slice'), vi.spyOn(makers, 'utf8Slice')];
    for (const value of values) reading(texts, value);
    const count = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    for (const spy of spies) spy.mockRestore();
    return count;
  }

  test('are made twice and kept from then on, up to 64 bytes', () => {
    const texts = new TextCache();
    const usual = ['http.request.method', 'GET /cart', 'naïve', 'x'.repeat(64)];
    expect(made(texts, [...usual, ...usual])).toBe(8);
    expect(made(texts, [...usual, ...usual])).toBe(0);
    expect(made(texts, ['x'.repeat(65), 'x'.repeat(65), 'x'.repeat(65)])).toBe(3);
  });

  test('are not kept where they are only alike, as paths with numbers are', () => {
    const texts = new TextCache();
    const alike = Array.from(
      { length: 5_000 },
      (_, index) => `/orders/${String(index).padStart(6, '0')}/items/list/view`,
    );
    expect(made(texts, alike)).toBe(alike.length);
    expect(made(texts, alike)).toBeGreaterThan(alike.length * 0.9);
    const [one, other] = ['a', 'b'].map((letter) => letter.padStart(8, '/').padEnd(64, '/')) as [string, string];
    expect(made(texts, [one, other])).toBe(2);
    expect(made(texts, [other])).toBe(1);
    expect(made(texts, [other])).toBe(0);
  });

  test('are refused each time where they are not UTF-8', () => {
    const texts = new TextCache();
    for (let turn = 0; turn < 4; turn++) expect(() => reading(texts, Buffer.of(0xff, 0xfe))).toThrow();
  });
});
