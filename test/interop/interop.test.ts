import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { SignalName } from '../../src/model/signal.ts';
import { dataPointsOf, encodeLogsJson, encodeMetricsJson, encodeTracesJson } from '../../src/otlp/index.ts';
import { tables } from '../../src/otlp/json/read/schema.ts';
import { build, failureOf, NoCollector } from './collector/build.ts';
import { firstDifference } from './difference.ts';
import type { Entry } from './entry.ts';
import { richCollections } from './items/collections.ts';
import { richRecords } from './items/records.ts';
import { richSpans } from './items/spans.ts';
import { receivedEntries } from './received.ts';
import { sentPoints, sentRecords, sentSpans } from './sent.ts';
import { refusalTableOf, tableOf } from './table.ts';

const SENT: Readonly<Record<SignalName, Entry[]>> = {
  traces: sentSpans(richSpans()),
  logs: sentRecords(richRecords()),
  metrics: sentPoints(richCollections()),
};

/** In the place of a Collector's file, our own JSON. It has no number for -0, and the Collector's has. */
const linesOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replaceAll('"-0"', '-0');
const LINES: Readonly<Record<SignalName, string>> = {
  traces: linesOf(encodeTracesJson(richSpans())),
  logs: linesOf(encodeLogsJson(richRecords())),
  metrics: linesOf(encodeMetricsJson(richCollections().flatMap(dataPointsOf))),
};

describe.each(['traces', 'logs', 'metrics'] as const)('of %s', (signal) => {
  const sent = SENT[signal];
  const lines = LINES[signal];

  it('a file that says what was sent is equal, in any order and in any number of requests', () => {
    const received = receivedEntries(signal, `${lines}\n`);
    expect(firstDifference(sent, received)).toBeUndefined();
    expect(firstDifference(sent, received.toReversed())).toBeUndefined();
    expect(received).toHaveLength(sent.length);
  });

  it('what has not arrived, has arrived twice or was not sent is found', () => {
    const received = receivedEntries(signal, lines);
    const [first, ...others] = received;
    expect(firstDifference(sent, others)).toBe(`${first?.key} has not arrived`);
    expect(firstDifference(sent, [...received, ...received])).toBe(`${sent[0]?.key} has arrived 2 times`);
    expect(firstDifference(sent.slice(1), received)).toBe(`${sent[0]?.key} has arrived, and was not sent`);
    expect(firstDifference(sent.slice(0, 1), received.slice(-1))).toContain('has not arrived, but ');
  });

  it('each wrong field is found and named', () => {
    const missed: string[] = [];
    for (const { key, content } of oneOfEach(sent)) {
      for (const [path, wrong] of mutants(content)) {
        const difference = firstDifference([{ key, content }], [{ key, content: wrong as Entry['content'] }]);
        if (difference?.startsWith(`${key}: ${path} was sent as `) !== true)
          missed.push(`${key} ${path}: ${difference}`);
      }
    }
    expect(missed).toEqual([]);
  });
});

/** The fullest ones of each kind: the first items, or the first point of each metric. */
function oneOfEach(entries: readonly Entry[]): Entry[] {
  const groups = Map.groupBy(entries, ({ content }) => content.metric?.name);
  const first = [...groups.values()].flatMap(([entry]) => entry ?? []);
  return first.length > 1 ? first : entries.slice(0, 20);
}

/** The value with each of its leaves in turn left out or replaced, and where that is. */
function* mutants(value: unknown, path = ''): Generator<[path: string, mutant: unknown]> {
  if (typeof value !== 'object' || value === null) {
    yield [path, undefined];
    yield [path, `${value}!`];
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${name}]` : `${path}${path && '.'}${name}`;
    for (const [where, mutant] of mutants(inner, at)) {
      const copy: object = Array.isArray(value) ? [...value] : { ...value };
      yield [where, Object.assign(copy, { [name]: mutant })];
    }
  }
}

describe('the rich items', () => {
  /** Those of profiles and of entities, and what holds the lists that an entry is taken out of. */
  const NOT_WRITTEN = new Set(['keyStrindex', 'stringValueStrindex', 'entityRefs', 'EntityRef']);
  const AROUND = /^(Export|Resource(Spans|Logs|Metrics)$|Scope|Rpc)/;

  test('have each field that the wire has', () => {
    const present = new Set<string>();
    JSON.stringify(Object.values(SENT), (name, value) => {
      present.add(name);
      return value;
    });
    const fields = Object.entries(tables)
      .filter(([message]) => !AROUND.test(message) && !NOT_WRITTEN.has(message))
      .flatMap(([, fields]) => Object.keys(fields))
      .filter((field) => !NOT_WRITTEN.has(field) && field !== 'dataPoints');
    expect(fields.filter((field) => !present.has(field))).toEqual([]);
    expect([...present]).toEqual(expect.arrayContaining(['resourceSchemaUrl', 'scopeSchemaUrl']));
  });
});

describe('a build that fails', () => {
  test('skips the run where modules cannot be had, and is an error where anything else is wrong', () => {
    const offline = 'main.go:8:2: Get "https://proxy.example/x.zip": dial tcp: lookup proxy.example: no such host';
    expect(failureOf(offline)).toBeInstanceOf(NoCollector);
    expect(failureOf('module lookup disabled by GOPROXY=off')).toBeInstanceOf(NoCollector);
    expect(failureOf('go: go.mod requires go >= 1.26.0 (running go 1.22.1)')).toBeInstanceOf(NoCollector);
    expect(failureOf('verifying module: checksum mismatch')).not.toBeInstanceOf(NoCollector);
    expect(failureOf('./main.go:23:2: undefined: nothing').message).toContain('undefined: nothing');
  });

  test('skips the run where there is no Go', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanflow-interop-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await expect(build(join(folder, 'collector'), join(folder, 'go'))).rejects.toThrow(NoCollector);
  });
});

describe('the tables', () => {
  test('have a cell for each signal, and a line for each difference', () => {
    const table = tableOf('what was sent', [
      { way: 'otlpGrpc, gzip', signal: 'traces', items: 56, difference: undefined },
      { way: 'otlpGrpc, gzip', signal: 'logs', items: 67, difference: 'record of 1: item.flags was sent as 1' },
    ]);
    expect(table).toMatch(/^otlpGrpc, gzip +equal \(56\) +NO +–$/m);
    expect(table).toMatch(/^otlpGrpc, gzip, logs: record of 1: item\.flags was sent as 1$/m);
  });

  test('have a cell for each protocol, and a line for what ends otherwise', () => {
    const table = refusalTableOf([
      { says: 'zstd: sent in gzip', protocol: 'http', wrong: undefined },
      { says: 'a signal: lost', protocol: 'grpc', wrong: '3 delivered' },
    ]);
    expect(table).toMatch(/^zstd: sent in gzip +yes +–$/m);
    expect(table).toMatch(/^a signal: lost +– +NO$/m);
    expect(table).toMatch(/^a signal: lost, gRPC: 3 delivered$/m);
  });
});
