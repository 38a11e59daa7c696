// Hostile input against a running receiver, each case with the status that it has to get. Recorded where the data folder is present, generated otherwise.

import { readdirSync, readFileSync } from 'node:fs';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bombs } from '../../support/bombs.ts';
import { dataFile, malformedBodies, wireCases } from '../../support/data.ts';
import { bareClient, call } from '../../support/grpcCalls.ts';
import { JSON_TYPE, jsonOf, open, PROTOBUF, post, requestOf } from './support.ts';

const MIB = 1024 * 1024;

/** The statuses of bodies, one after the other on few connections. */
async function statusesOf(url: string, bodies: readonly (string | Uint8Array)[], headers: Record<string, string>) {
  const statuses: number[] = [];
  for (const body of bodies) statuses.push((await post(url, body, headers)).status);
  return statuses;
}

describe('protobuf', () => {
  test('every malformed body is refused with 400', async () => {
    const { url, batches } = await open();
    const cases = malformedBodies();
    const statuses = await statusesOf(
      url,
      cases.map(({ bytes }) => bytes),
      PROTOBUF,
    );
    const wrong = cases.filter((_, index) => statuses[index] !== 400).map(({ name }) => name);
    expect([cases.length > 10, wrong, batches.length]).toEqual([true, [], 0]);
  });

  test('every wire case is accepted or refused as it has to be', async () => {
    const { url } = await open();
    const cases = wireCases();
    const statuses = await statusesOf(
      url,
      cases.map(({ bytes }) => bytes),
      PROTOBUF,
    );
    const wrong = cases.filter(({ expect: verdict }, index) => {
      const allowed = codesFor(verdict).map((code): number => (code === status.OK ? 200 : 400));
      return !allowed.includes(statuses[index] as number);
    });
    expect([cases.length > 10, wrong.map(({ name }) => name)]).toEqual([true, []]);
  });

  test('small messages of which much becomes are refused with 413, and cost no more than the limit', async () => {
    const { url } = await open({ decode: { maxDecodedBytes: MIB } });
    for (const [name, bomb] of Object.entries(bombs))
      expect([name, (await post(url, bomb(100_000))).status]).toEqual([name, 413]);
  });

  test('messages nested too deep are refused with 400', async () => {
    const { url } = await open();
    let nested: Buffer = Buffer.from([0x2a, 0]); // an array value
    for (let depth = 0; depth < 2_000; depth += 1) nested = field(5, field(1, nested));
    const attribute = Buffer.concat([field(1, Buffer.from('a')), field(2, nested)]);
    expect((await post(url, field(1, field(2, field(2, field(9, attribute)))))).status).toBe(400);
  });
});

describe('protobuf over gRPC', () => {
  async function codesOf(bodies: readonly Uint8Array[]): Promise<{ codes: number[]; batches: number }> {
    const { receiver, batches } = await open({ grpc: { port: 0 } });
    const client = bareClient(receiver.address.grpc?.port ?? 0);
    onTestFinished(() => client.close());
    const codes: number[] = [];
    for (const bytes of bodies) codes.push((await call(client, bytes)).code);
    return { codes, batches: batches.length };
  }

  test('every malformed body is refused with INVALID_ARGUMENT', async () => {
    const cases = malformedBodies();
    const { codes, batches } = await codesOf(cases.map(({ bytes }) => bytes));
    const wrong = cases.filter((_, index) => codes[index] !== status.INVALID_ARGUMENT).map(({ name }) => name);
    expect([wrong, batches]).toEqual([[], 0]);
  });

  test('every wire case is accepted or refused as it has to be', async () => {
    const cases = wireCases();
    const { codes } = await codesOf(cases.map(({ bytes }) => bytes));
    const wrong = cases.filter(({ expect: verdict }, index) => !codesFor(verdict).includes(codes[index] as number));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('small messages of which much becomes are refused with RESOURCE_EXHAUSTED', async () => {
    const { receiver } = await open({ grpc: { port: 0 }, decode: { maxDecodedBytes: MIB / 8 } });
    const client = bareClient(receiver.address.grpc?.port ?? 0);
    onTestFinished(() => client.close());
    for (const [name, bomb] of Object.entries(bombs))
      expect([name, (await call(client, bomb(10_000))).code]).toEqual([name, status.RESOURCE_EXHAUSTED]);
  });
});

/** What is left to applications may be either. To refuse texts that are not UTF-8 is recommended; they pass, and are counted when they are read. */
function codesFor(verdict: string): number[] {
  if (verdict === 'accept' || verdict === 'reject(RECOMMENDED)') return [status.OK];
  return verdict === 'reject' ? [status.INVALID_ARGUMENT] : [status.OK, status.INVALID_ARGUMENT];
}

describe('JSON', () => {
  const accepted = 'y_';
  const suite = dataFile('hostile/json-suite/test_parsing', 'the syntax of JSON is tested by a few cases of our own');

  test('what is no JSON is refused with 400', async () => {
    const { url } = await open();
    const files = suite === undefined ? [] : readdirSync(suite).filter((name) => name.startsWith('n_'));
    const bodies = suite === undefined ? ['{', '[1,]', '{"a":1,}', "{'a':1}", 'nul', '{"a":01}'] : [];
    for (const file of files) bodies.push(readFileSync(`${suite}/${file}`, 'latin1'));
    const bytes = bodies.map((body) => Buffer.from(body, 'latin1')).filter(({ length }) => length > 0);
    const statuses = await statusesOf(url, bytes, JSON_TYPE);
    expect(statuses.filter((given) => given !== 400)).toEqual([]);
  });

  test('what is JSON, and no request, gets an answer, and the server goes on', async () => {
    const { url } = await open();
    const files = suite === undefined ? [] : readdirSync(suite).filter((name) => name.startsWith(accepted));
    const bodies = files.map((file) => readFileSync(`${suite}/${file}`));
    const statuses = await statusesOf(url, [...bodies, Buffer.from('[]'), Buffer.from('7')], JSON_TYPE);
    expect(statuses.filter((given) => given !== 200 && given !== 400)).toEqual([]);
    expect((await post(url, jsonOf('a'), JSON_TYPE)).status).toBe(200);
  });

  test.each([
    ['resourceSpans of another type', '{"resourceSpans": {}}', 400],
    ['an entry of another type', '{"resourceSpans": [1]}', 400],
    ['a list at the root', '[]', 400],
    ['a number as text with letters', spanWith('"startTimeUnixNano": "3.f14"'), 400],
    ['a negative unsigned number', spanWith('"droppedAttributesCount": -1'), 400],
    ['an unknown enum', spanWith('"kind": "baz"'), 400],
    ['an id that is not hexadecimal', spanWith('"spanId": "--"'), 400],
    ['numbers as text', spanWith('"startTimeUnixNano": "1", "kind": "2"'), [200, 400]],
    ['unknown fields', spanWith('"extra": {"a": [1]}'), 200],
    ['upper case ids', spanWith('"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174"'), 200],
    ['an array value of another type', spanWith(attribute('{"arrayValue": {"values": "no"}}')), 400],
    ['an empty map', spanWith(attribute('{"kvlistValue": {}}')), 200],
    ['an empty array', spanWith(attribute('{"arrayValue": {}}')), 200],
  ] as const)('%s', async (_, body, allowed) => {
    const { url } = await open();
    expect([allowed].flat()).toContain((await post(url, body, JSON_TYPE)).status);
  });

  test.each([31, 47, 100, 1_000, 100_000])('values nested %d deep get an answer', async (depth) => {
    const { url } = await open();
    const value = `${'{"arrayValue":{"values":['.repeat(depth)}${']}}'.repeat(depth)}`;
    const answer = await post(url, spanWith(attribute(value)), JSON_TYPE);
    expect(answer.status).toBe(depth <= 31 ? 200 : depth >= 100 ? 400 : answer.status);
  });
});

describe('compressed bodies', () => {
  const body = requestOf(3);
  const cases = [
    ['gzip', gzipSync(body), 200],
    ['x-gzip', gzipSync(body), 200],
    ['GZIP', gzipSync(body), 200],
    ['deflate', deflateSync(body), 200],
    ['zstd', zstdCompressSync(body), 200],
    ['identity', body, 200],
    ['gzip', Buffer.concat([gzipSync(body), gzipSync(body)]), 200],
    ['gzip', body, 400],
    ['deflate', Buffer.from('text'), 400],
    ['deflate', Buffer.concat([deflateSync(body), Buffer.from('text')]), 400],
    ['deflate', Buffer.concat([deflateSync(body), Buffer.alloc(300_000)]), 400],
    ['deflate', Buffer.concat([deflateSync(body), deflateSync(body)]), 400],
    ['zstd', Buffer.concat([zstdCompressSync(body), Buffer.from('text')]), 400],
    ['zstd', Buffer.concat([zstdCompressSync(body), zstdCompressSync(body)]), 200],
    ['gzip', Buffer.concat([gzipSync(body), Buffer.from('text')]), 400],
    ['gzip', Buffer.concat([gzipSync(body), Buffer.alloc(512)]), 200],
    ['zstd', body, 400],
    ['zstd', Buffer.alloc(0), 400],
    ['gzip', gzipSync(body).subarray(0, 5), 400],
    ['zstd', zstdCompressSync(body).subarray(0, 20), 400],
    ['nosuchcompression', body, 415],
    ['gzip, gzip', gzipSync(gzipSync(body)), 415],
  ] as const;

  test.each(cases)('%s, case %#', async (coding, bytes, expected) => {
    const { url } = await open();
    expect((await post(url, bytes, { ...PROTOBUF, 'content-encoding': coding })).status).toBe(expected);
  });

  test('both members of one body are read', async () => {
    const { url, batches } = await open();
    const twice = Buffer.concat([gzipSync(body), gzipSync(requestOf(2, 9))]);
    await post(url, twice, { ...PROTOBUF, 'content-encoding': 'gzip' });
    expect(batches[0]?.items).toHaveLength(5);
  });

  test('bombs are refused with 413, and the memory stays bounded', async () => {
    const { url, receiver } = await open({ maxRequestBytes: 4 * MIB });
    const zeros = Buffer.alloc(64 * MIB);
    const packed = { gzip: gzipSync(zeros), deflate: deflateSync(zeros), zstd: zstdCompressSync(zeros) };
    const before = process.memoryUsage.rss();
    for (const [coding, bomb] of Object.entries(packed)) {
      const answers = Array.from({ length: 8 }, () => post(url, bomb, { ...PROTOBUF, 'content-encoding': coding }));
      for (const answer of await Promise.all(answers)) expect([coding, answer.status]).toEqual([coding, 413]);
    }
    expect(receiver.stats().bytesInFlight).toBe(0);
    // 24 bombs of 64 MiB each: at most eight bodies of 4 MiB, and what the allocator keeps of them.
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * MIB);
  });

  test('a window that is larger than RFC 9659 allows is refused', async () => {
    const { url } = await open();
    // A frame of Zstandard with a window of 128 MiB (its descriptor is 0x88), and no content.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00]);
    expect((await post(url, frame, { ...PROTOBUF, 'content-encoding': 'zstd' })).status).toBe(400);
  });
});

function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function spanWith(fields: string): string {
  return `{"resourceSpans": [{"scopeSpans": [{"spans": [{${fields}}]}]}]}`;
}

function attribute(value: string): string {
  return `"attributes": [{"key": "a", "value": ${value}}]`;
}
