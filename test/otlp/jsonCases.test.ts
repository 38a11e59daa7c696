// OTLP/JSON as other people's decoders meet it. Where their data is absent, the cases that are written here remain.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTracesJson } from '../../src/otlp/index.ts';
import { exactInteger } from '../../src/otlp/json/read/exactInteger.ts';
import { decodeResponseJson, decodeStatusJson } from '../../src/otlp/responses/jsonResponse.ts';
import { dataFolder } from '../support/data.ts';
import { randomRuns } from '../support/randomRuns.ts';

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
    ['7.0', 7],
    ['"7.0"', 7],
    ['"-7.000"', -7],
    ['"1e3"', 1000],
    ['"1E+3"', 1000],
    ['1.5e1', 15],
    ['"1.5e1"', 15],
    ['1500e-2', 15],
    ['"1500e-2"', 15],
    ['"-0"', 0],
    ['"0e999999999"', 0],
    ['"0.000e-999999999"', 0],
    ['"007"', 7],
    ['1e18', 10n ** 18n],
    ['"9.223372036854775807e18"', 2n ** 63n - 1n],
    ['9.223372036854775807e18', 2n ** 63n - 1n],
    ['9007199254740993.0', 9007199254740993n],
    ['"90071992547409930e-1"', 9007199254740993n],
    ['-922337203685477580800e-2', -(2n ** 63n)],
    [`"${'0'.repeat(100)}1${'0'.repeat(1000)}e-1000"`, 1],
    [`1.${'0'.repeat(1000)}`, 1],
  ])('%s is an int64', (text, value) => {
    expect(held(attribute(`{"intValue":${text}}`))).toBe(value);
  });

  test.each([
    ...['"3.f14"', 'true', '1.5', '""', '"0x1"', '9223372036854775808', '1e30', '[]', '{}', '" 1"', '"1 "', '"+1"'],
    ...['"1.5"', '"15e-1"', '1e-1', '9007199254740993.5', '"9007199254740993.5"', '9.223372036854775808e18'],
    ...[
      '1e400',
      '"1e999999999"',
      '1e999999999',
      '"1e-999999999"',
      '"1e99999999999999999999999"',
      '"1e"',
      '"1."',
      '".5e1"',
    ],
    ...['"Infinity"', '"NaN"', '"1e1e1"', '"--1"', '"1_000"', '"\\n1"'],
  ])('%s is no int64', (text) => {
    expect(verdict(attribute(`{"intValue":${text}}`))).toBe('reject');
  });

  test.each(['droppedAttributesCount', 'flags', 'startTimeUnixNano'])('of %s is never negative', (name) => {
    for (const text of ['1', '"1"']) expect(verdict(field(name, text))).toBe('accept');
    for (const text of ['-1', '"-1"', '"3.f14"', 'true', '1e40']) expect(verdict(field(name, text))).toBe('reject');
  });

  test.each(['2e0', '"2e0"', '2.0', '"2.0"', '"20e-1"', '"2"'])(
    '%s is a count, a kind, a status code and flags',
    (text) => {
      const counts = ['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount'] as const;
      for (const name of counts) expect(decodeTracesJson(field(name, text))[0]?.[name]).toBe(2);
      expect(decodeTracesJson(field('kind', text))[0]?.kind).toBe(1);
      expect(decodeTracesJson(field('status', `{"code":${text}}`))[0]?.status.code).toBe(2);
      expect(decodeTracesJson(field('flags', text))[0]?.spanContext().traceFlags).toBe(2);
      const body = Buffer.from(`{"partialSuccess":{"rejectedSpans":${text}}}`);
      expect(decodeResponseJson(body).rejected).toBe(2);
      expect(decodeStatusJson(Buffer.from(`{"code":${text}}`))).toBe('code 2');
    },
  );

  test('that is refused is named with its place and its range, and shortened', () => {
    const said = (text: string) => () => decodeTracesJson(field('startTimeUnixNano', text));
    const rule = 'startTimeUnixNano must be an integer from 0 to 18446744073709551615, but is';
    expect(said('"1.5"')).toThrow(`${rule} "1.5"`);
    expect(said('1e20')).toThrow(`${rule} 1e20`);
    expect(said(`"${'9'.repeat(1_000)}"`)).toThrow(`${rule} "${'9'.repeat(80)}…"`);
    expect(() => decodeTracesJson(field('kind', '"baz"'))).toThrow('2147483647 or a known name, but is "baz"');
  });

  test('of any size and exponent is exact', () => {
    const digits = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n });
    fc.assert(
      fc.property(digits, fc.integer({ min: -25, max: 25 }), fc.nat(25), (value, exponent, point) => {
        // value × 10^exponent, with a point before its last digits.
        const padded = `${value < 0n ? -value : value}`.padStart(point + 1, '0');
        const split = padded.length - point;
        const text = `${value < 0n ? '-' : ''}${padded.slice(0, split)}${point > 0 ? `.${padded.slice(split)}` : ''}e${exponent}`;
        const power = exponent - point;
        const scaled = power >= 0 ? value * 10n ** BigInt(power) : value / 10n ** BigInt(-power);
        const isWhole = power >= 0 || scaled * 10n ** BigInt(-power) === value;
        const found = exactInteger(text);
        if (isWhole && BigInt.asIntN(64, scaled) === scaled) expect(found).toBe(scaled);
        else if (!isWhole) expect(found).toBeUndefined();
      }),
      randomRuns(100),
    );
  });

  test('that is a number beyond 2^53 in a field of another type is refused', () => {
    for (const [name, text] of [
      ['name', '1e30'],
      ['attributes', '1e30'],
      ['status', '1e30'],
      ['events', '[1e30]'],
    ] as const) {
      const both = field(name, text).replace('"spanId"', '"startTimeUnixNano":1.7e18,"spanId"');
      expect([name, verdict(both)]).toEqual([name, 'reject']);
    }
    expect(held(attribute('{"doubleValue":1e30}').replace('"spanId"', '"startTimeUnixNano":1.7e18,"spanId"'))).toBe(
      1e30,
    );
  });

  test('of a time is exact, as a number too', () => {
    for (const text of ['1544712660300000123', '"1544712660300000123"', '1544712660300000123 ']) {
      expect(decodeTracesJson(field('startTimeUnixNano', text))[0]?.startTime).toEqual([1_544_712_660, 300_000_123]);
    }
    expect(verdict(field('startTimeUnixNano', '18446744073709551615'))).toBe('accept');
    expect(verdict(field('startTimeUnixNano', '18446744073709551616'))).toBe('reject');
    for (const text of [
      '1.7e18',
      '"1.7e18"',
      '1700000000000000000.0',
      '"1700000000000000000.0"',
      '170000000000000000000e-2',
    ]) {
      for (const name of ['startTimeUnixNano', 'endTimeUnixNano']) {
        const [span] = decodeTracesJson(field(name, text));
        expect([span?.startTime, span?.endTime]).toContainEqual([1_700_000_000, 0]);
      }
    }
    for (const text of ['1.7e18', '"1.7e18"']) {
      const [span] = decodeTracesJson(field('events', `[{"timeUnixNano":${text}}]`));
      expect(span?.events[0]?.time).toEqual([1_700_000_000, 0]);
    }
    const exact = '"1.544712660300000123e18"';
    expect(decodeTracesJson(field('startTimeUnixNano', exact))[0]?.startTime).toEqual([1_544_712_660, 300_000_123]);
    expect(verdict(field('startTimeUnixNano', '1.5447126603000001235e18'))).toBe('reject');
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

  test.each(['"3.f14"', 'true', '""', '"inf"', '[]'])('%s is refused as a double', (text) => {
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

  test.each(['"baz"', 'true', '1.5', '"toString"', '4294967296'])('%s is refused as a kind', (text) => {
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
    ['AA', [0]],
    ['AA==', [0]],
    ['AAE=', [0, 1]],
    ['AA=', [0]],
  ])('%j is bytes', (text, bytes) => {
    expect(held(attribute(`{"bytesValue":"${text}"}`))).toEqual(Uint8Array.from(bytes));
  });

  test.each(['A', 'A===', 'AAAAA', 'AAEC=', 'AAEC==', '=', '==', '!!!!', 'AAEC=AAE', 'AA\n'])(
    '%j is no bytes',
    (text) => {
      expect(verdict(attribute(`{"bytesValue":"${text}"}`))).toBe('reject');
    },
  );
});

describe('a message in OTLP/JSON', () => {
  test('may have unknown fields, names in snake_case among them', () => {
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
