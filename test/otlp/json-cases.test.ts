// OTLP/JSON as other people's decoders meet it. Where their data is absent, the cases that are written here remain.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeTracesJson } from '../../src/otlp/index.ts';
import { dataFolder } from '../support/data.ts';

const folder = dataFolder();
const ids = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef' };

function verdict(json: string | Uint8Array): 'accept' | 'reject' {
  try {
    decodeTracesJson(json);
    return 'accept';
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'SpanflowError', code: 'MALFORMED_MESSAGE' });
    return 'reject';
  }
}

function request(span: string): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`;
}

/** A span with one field, whose value is JSON text. */
function field(name: string, value: string): string {
  return request(JSON.stringify(ids).replace('}', `,"${name}":${value}}`));
}

function attribute(value: string): string {
  return field('attributes', `[{"key":"k","value":${value}}]`);
}

function held(json: string): unknown {
  return decodeTracesJson(json)[0]?.attributes.k;
}

describe('a scalar in OTLP/JSON', () => {
  test.each<[string, unknown]>([
    ['1', 1],
    ['"1"', 1],
    ['-1', -1],
    ['"-1"', -1],
    ['1e3', 1000],
    ['9007199254740993', 9007199254740993n],
    ['"9223372036854775807"', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
  ])('%s is an int64', (text, value) => {
    expect(held(attribute(`{"intValue":${text}}`))).toBe(value);
  });

  test.each(['"3.f14"', 'true', '1.5', '""', '"0x1"', '9223372036854775808', '1e30', '[]', '{}', '" 1"'])(
    '%s is no int64',
    (text) => {
      expect(verdict(attribute(`{"intValue":${text}}`))).toBe('reject');
    },
  );

  test.each(['droppedAttributesCount', 'flags', 'startTimeUnixNano'])('of %s is never negative', (name) => {
    for (const text of ['1', '"1"']) expect(verdict(field(name, text))).toBe('accept');
    for (const text of ['-1', '"-1"', '"3.f14"', 'true', '1e40']) expect(verdict(field(name, text))).toBe('reject');
  });

  test('of a time is exact, as a number too', () => {
    for (const text of ['1544712660300000123', '"1544712660300000123"', '1544712660300000123 ']) {
      expect(decodeTracesJson(field('startTimeUnixNano', text))[0]?.startTime).toEqual([1_544_712_660, 300_000_123]);
    }
    expect(verdict(field('startTimeUnixNano', '18446744073709551615'))).toBe('accept');
    expect(verdict(field('startTimeUnixNano', '18446744073709551616'))).toBe('reject');
  });

  test.each<[string, number]>([
    ['3.14', 3.14],
    ['"3.14"', 3.14],
    ['-3.14', -3.14],
    ['"-3.14"', -3.14],
    ['"Infinity"', Number.POSITIVE_INFINITY],
    ['"-Infinity"', Number.NEGATIVE_INFINITY],
    ['"NaN"', Number.NaN],
    ['1.7976931348623157e+308', Number.MAX_VALUE],
    ['-0', -0],
    ['"-0"', -0],
  ])('%s is a double', (text, value) => {
    expect(held(attribute(`{"doubleValue":${text}}`))).toBe(value);
  });

  test.each(['"3.f14"', 'true', '""', '"inf"', '[]'])('%s is no double', (text) => {
    expect(verdict(attribute(`{"doubleValue":${text}}`))).toBe('reject');
  });

  test.each<[string, number]>([
    ['3', 2],
    ['"SPAN_KIND_CLIENT"', 2],
    ['9', 8],
    ['0', 0],
  ])('%s is a kind', (text, kind) => {
    expect(decodeTracesJson(field('kind', text))[0]?.kind).toBe(kind);
  });

  test.each(['"baz"', 'true', '1.5', '"toString"', '4294967296'])('%s is no kind', (text) => {
    expect(verdict(field('kind', text))).toBe('reject');
  });

  test('of an id is hex in either case, or empty', () => {
    expect(
      decodeTracesJson(request('{"traceId":"ABCDEF0123456789abcdef0123456789","spanId":""}'))[0]?.spanContext(),
    ).toEqual({
      traceId: 'abcdef0123456789abcdef0123456789',
      spanId: '',
      traceFlags: 0,
    });
    for (const id of ['"--"', '"abc"', '"zz"', '7']) expect(verdict(field('parentSpanId', id))).toBe('reject');
  });

  test.each<[string, number[]]>([
    ['AAEC', [0, 1, 2]],
    ['+/8=', [251, 255]],
    ['-_8', [251, 255]],
    ['', []],
  ])('%j is bytes', (text, bytes) => {
    expect(held(attribute(`{"bytesValue":"${text}"}`))).toEqual(Uint8Array.from(bytes));
  });

  test.each(['A', 'A===', '!!!!', 'AAEC=AAE'])('%j is no bytes', (text) => {
    expect(verdict(attribute(`{"bytesValue":"${text}"}`))).toBe('reject');
  });
});

describe('a message in OTLP/JSON', () => {
  test('may have fields that nobody knows, names in snake_case among them', () => {
    expect(verdict('{"resourceSpans":[],"unexpected":"value"}')).toBe('accept');
    expect(decodeTracesJson('{"resource_spans":[{"scope_spans":[{"spans":[{}]}]}]}')).toEqual([]);
    expect(verdict('{"extra":"", "resourceSpans": "extra"}')).toBe('reject');
  });

  test('may have null where something is absent, but not in a list', () => {
    expect(verdict('{"resourceSpans":[{"resource":null,"scopeSpans":null,"schemaUrl":null}]}')).toBe('accept');
    expect(verdict('{"resourceSpans":[null]}')).toBe('reject');
    expect(held(attribute('{"stringValue":null}'))).toBeNull();
  });

  test('has one value, not two', () => {
    expect(verdict(attribute('{"stringValue":"a","intValue":1}'))).toBe('reject');
    expect(held(attribute('{"stringValue":null,"intValue":1}'))).toBe(1);
  });

  test('is bounded in depth', () => {
    const nested = (levels: number): string => `${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}`;
    expect(verdict(attribute(nested(47)))).toBe('accept');
    for (const levels of [48, 1000, 100_000]) expect(verdict(attribute(nested(levels)))).toBe('reject');
  });
});

/** Where the data is absent, which is said aloud, the cases above stand for it. */
const withData = folder === undefined ? (_title: string, _cases: () => void) => {} : describe;

withData('the recorded cases', () => {
  const hostile = `${folder}/hostile`;

  test('of a receiver get the verdict of proto3 JSON', () => {
    const cases = JSON.parse(readFileSync(`${hostile}/fluent-bit__otlp_json_traces_cases.json`, 'utf8'));
    const verdicts = JSON.parse(readFileSync(`${hostile}/fluent-bit_traces_verdicts.json`, 'utf8'));
    for (const [name, { 'protobufJson+hexIds': said }] of Object.entries<Record<string, string>>(verdicts)) {
      // An array is no message: the note beside that verdict says so. Google's parser passes over names of enums that it does not
      // know, the collector and fluent-bit refuse them, and so do we.
      const isStricter = name === 'root_wrong_type' || name === 'status_invalid_code';
      const expected = isStricter || said?.startsWith('reject') ? 'reject' : 'accept';
      expect([name, verdict(JSON.stringify(cases[name].input))]).toEqual([name, expected]);
    }
    expect(Object.keys(verdicts).length).toBeGreaterThan(30);
  });

  test('of JSON syntax: what must be taken is taken, what must be refused is refused', () => {
    const suite = `${hostile}/json-suite/test_parsing`;
    for (const file of readdirSync(suite)) {
      const content = readFileSync(`${suite}/${file}`);
      // As the value of a field that nobody knows, and by itself.
      const inside = verdict(Buffer.concat([Buffer.from('{"unknown":'), content, Buffer.from('}')]));
      const alone = verdict(content);
      if (file.startsWith('y_')) expect([file, inside]).toEqual([file, 'accept']);
      // Two that are wrong alone complete each other with what stands around them.
      if (file.startsWith('n_')) expect([file, alone]).toEqual([file, 'reject']);
    }
  });

  test('of nesting are refused beyond 47 arrays, however deep', () => {
    for (const levels of [31, 47, 48, 100, 1000, 100_000]) {
      const json = readFileSync(`${hostile}/bombs/json_arrayValue_nested_${levels}.json`);
      expect([levels, verdict(json)]).toEqual([levels, levels <= 47 ? 'accept' : 'reject']);
    }
  });

  test('of a file exporter are read, line by line', () => {
    const lines = readFileSync(`${folder}/large/robotframework.jsonl`, 'utf8').split('\n').filter(Boolean);
    expect(lines.flatMap((line) => decodeTracesJson(line))).toHaveLength(1066);
  });
});
