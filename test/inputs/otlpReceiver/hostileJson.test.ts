// Requests in JSON of other people's tests, put to a running receiver: scalars, missing and wrong fields, wrong ids, syntax, nesting.

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { decodeLogsJson, decodeMetricsJson } from '../../../src/otlp/index.ts';
import { dataFile } from '../../support/data.ts';
import { scalarRules } from '../../support/receiverCases.ts';
import { fluentBitCases, verdictOf } from '../../support/verdicts.ts';
import { JSON_TYPE, jsonOf, open, PROTOBUF, post } from './support.ts';

const span = (fields: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${fields}}]}]}]}`;
const attribute = (value: string) => span(`"attributes":[{"key":"a","value":${value}}]`);

/** Requests that have a scalar of each kind, by the first word of the kind. */
const REQUESTS: Readonly<Record<string, (text: string) => string[]>> = {
  'int32/int64': (text) => [attribute(`{"intValue":${text}}`)],
  'uint32/uint64': (text) =>
    ['droppedAttributesCount', 'flags', 'startTimeUnixNano', 'droppedLinksCount'].map((name) =>
      span(`"${name}":${text}`),
    ),
  double: (text) => [attribute(`{"doubleValue":${text}}`)],
  enum: (text) => [span(`"kind":${text}`), span(`"status":{"code":${text}}`)],
  ids: (text) => [span(`"traceId":${text}`), span(`"spanId":${text}`), span(`"parentSpanId":${text}`)],
  unknown: (text) => [text],
};

/** The table says some texts in words, and some with a remark behind them. */
const SAID: Readonly<Record<string, string[]>> = {
  '"foo" (known name)': ['"SPAN_KIND_CLIENT"', '"STATUS_CODE_ERROR"'],
  'upper or lower hex': ['"5B8EFFF798038103d269b633813fc60c"', '"EEE19B7EC3c1b174"', '"EEE19B7EC3c1b174"'],
};

const scalars = Object.entries(scalarRules()).flatMap(([kind, rules]) =>
  rules.map(([text, meaning]) => [kind.split(' ')[0] ?? '', text, meaning === 'ERR' ? 400 : 200] as const),
);

test.each(scalars)('%s %s: %d', async (kind, text, status) => {
  const { url } = await open();
  const said = SAID[text];
  const bodies = REQUESTS[kind]?.(text.replace(/ \(.*\)$/, '')) ?? [];
  const spoken = said?.flatMap((one, index) => REQUESTS[kind]?.(one)[index] ?? []);
  expect(bodies.length).toBeGreaterThan(0);
  for (const body of spoken ?? bodies)
    expect([body, (await post(url, body, JSON_TYPE)).status]).toEqual([body, status]);
});

describe('requests of Fluent Bit', () => {
  const traces = dataFile('hostile/fluent-bit__otlp_json_traces_cases.json', 'requests of our own are tested instead');

  test('of spans are refused where JSON of protobuf refuses them', async () => {
    const { url } = await open();
    for (const [name, body, isRefused] of tracesCases(traces)) {
      const { status } = await post(url, body, JSON_TYPE);
      expect([name, status]).toEqual([name, isRefused ? 400 : 200]);
    }
  });

  test.each([
    ['logs', decodeLogsJson],
    ['metrics', decodeMetricsJson],
  ] as const)('of %s have the verdict of the decoder', async (signal, decode) => {
    const { url, receiver } = await open();
    const batches$: Observable<unknown> = receiver[`${signal}$`];
    batches$.subscribe();
    for (const [name, body] of fluentBitCases(signal)) {
      const { status } = await post(url, body, JSON_TYPE, `/v1/${signal}`);
      expect([name, status]).toEqual([name, verdictOf(() => decode(body)) === 'accept' ? 200 : 400]);
    }
  });
});

/** Name, body, and whether it is refused. */
function tracesCases(file: string | undefined): (readonly [string, string, boolean])[] {
  if (file === undefined) return [['root_wrong_type', '[]', true]];
  const requests: Record<string, { input: unknown }> = JSON.parse(readFileSync(file, 'utf8'));
  const verdicts = file.replace('__otlp_json_traces_cases', '_traces_verdicts');
  const said: Record<string, Record<string, string>> = JSON.parse(readFileSync(verdicts, 'utf8'));
  // A list is no message, and a name that an enum does not have is refused, as the Collector does.
  const stricter = new Set(['root_wrong_type', 'status_invalid_code']);
  return Object.entries(said).map(([name, verdict]) => {
    const isRefused = stricter.has(name) || (verdict['protobufJson+hexIds'] ?? '').startsWith('reject');
    return [name, JSON.stringify(requests[name]?.input), isRefused];
  });
}

/** By a part of its name: what is wrong with it. All others are sound JSON and sound requests. */
const WRONG_INLINE = ['L108', 'L1718', 'L1741', 'L653', 'L672', 'L754'];

test('requests with wrong ids and numbers are refused', async () => {
  const { url } = await open();
  const folder = dataFile('hostile/inline', 'requests of our own are tested instead');
  const files = folder === undefined ? [] : readdirSync(folder);
  const cases = files.map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')] as const);
  const own = [
    ['L653 14 bytes', span('"traceId":"0102030405060708090a0b0c0d0e"')],
    ['no id', span('"traceId":"","spanId":""')],
  ] as const;
  for (const [name, body] of [...cases, ...own]) {
    const isWrong = WRONG_INLINE.some((part) => name.includes(part));
    const allowed = isWrong ? (LENGTHS.some((part) => name.includes(part)) ? [200, 400] : [400]) : [200];
    expect([name, allowed.includes((await post(url, body, JSON_TYPE)).status)]).toEqual([name, true]);
  }
});

/** Hexadecimal, but of a wrong length: a decoder may leave that to applications. */
const LENGTHS = ['L653', 'L672'];

describe('JSON that is nested or packed', () => {
  const folder = dataFile('hostile/bombs', 'bombs of our own are tested instead');

  test('too deep is refused, and the next request is served', async () => {
    const { url } = await open();
    for (const levels of [31, 47, 48, 100, 1_000, 100_000]) {
      const body =
        folder === undefined
          ? attribute(`${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}`)
          : readFileSync(`${folder}/json_arrayValue_nested_${levels}.json`);
      expect([levels, (await post(url, body, JSON_TYPE)).status]).toEqual([levels, levels <= 47 ? 200 : 400]);
    }
    expect((await post(url, jsonOf('a'), JSON_TYPE)).status).toBe(200);
  });

  test('as bombs is refused as what it becomes, and both members are read', async () => {
    const { url, batches, receiver } = await open();
    const packed = async (name: string, made: () => Uint8Array, type: Record<string, string>) => {
      const body = folder === undefined ? gzipSync(made()) : readFileSync(`${folder}/${name}`);
      return (await post(url, body, { ...type, 'content-encoding': 'gzip' })).status;
    };
    const zeros = (mebibytes: number) => () => new Uint8Array(mebibytes * 1024 * 1024);
    const named = () => Buffer.from(span(`"name":"${'a'.repeat(65 * 1024 * 1024)}"`));
    const two = () => Buffer.from(jsonOf('a'));
    expect(await packed('zeros_65MiB.gz', zeros(65), PROTOBUF)).toBe(413);
    expect(await packed('otlp_json_one_span_65MiB_name.json.gz', named, JSON_TYPE)).toBe(413);
    expect(await packed('zeros_1MiB.gz', zeros(1), PROTOBUF)).toBe(400);
    expect(batches).toHaveLength(0);
    expect(await packed('two_gzip_members_valid_otlp.json.gz', two, JSON_TYPE)).toBe(200);
    expect(receiver.stats().bytesInFlight).toBe(0);
  });
});

test('any JSON that a parser may take or leave gets an answer', async () => {
  const { url } = await open();
  const suite = dataFile('hostile/json-suite/test_parsing', 'three texts of our own are tested instead');
  const files = suite === undefined ? [] : readdirSync(suite).filter((name) => name.startsWith('i_'));
  const own = ['{"a":1e400}', '{"a":"\\ud800"}', '\ufeff{}'].map((text) => Buffer.from(text));
  for (const body of [...own, ...files.map((file) => readFileSync(`${suite}/${file}`))])
    expect([200, 400]).toContain((await post(url, body, JSON_TYPE)).status);
  expect((await post(url, jsonOf('a'), JSON_TYPE)).status).toBe(200);
});
