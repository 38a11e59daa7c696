import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeLogsJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { startBackend } from '../support/httpExports.ts';
import { closedPort } from '../support/httpServer.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { spanflow } from './spanflow.ts';

const line = (bytes: Uint8Array) => `${new TextDecoder().decode(bytes)}\n`;
const spans = (count: number) => Array.from({ length: count }, (_, index) => spanWith({ name: `span ${index}` }));

function fileOf(...lines: readonly string[]): string {
  const path = join(temporaryFolder(), 'spans.jsonl');
  writeFileSync(path, lines.join(''));
  return path;
}

/** A record of two spans, and one with a length that is wrong. */
function tornFile(): string {
  const path = join(temporaryFolder(), 'spans.binpb');
  const record = encodeTraces(spans(2));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(record.length);
  writeFileSync(path, Buffer.concat([head, record, Buffer.from([0x0f, 0xff, 0xff, 0xff, 1, 2, 3])]));
  return path;
}

const FIVE_AND_TWO = [line(encodeTracesJson(spans(5))), line(encodeTracesJson(spans(2)))];

describe('spanflow replay', { timeout: 160_000 }, () => {
  test('sends what is in a file, to the path of its signal, and says so', async () => {
    const backend = await startBackend();
    const file = fileOf(...FIVE_AND_TWO);
    const { origin } = new URL(backend.url);
    const run = await spanflow(['replay', file, '--to', origin, '--header', 'x-tenant=shop', '--rate', '1_000']);
    expect(run.stdout).toMatch(
      new RegExp(`^${file}: 7 spans in 2 requests\ndelivered to ${backend.url}: 7 in [\\d.]+ s, [\\d,]+ a second\n$`),
    );
    expect([run.code, run.stderr, backend.spans]).toEqual([0, '', 7]);
    expect(backend.requests[0]?.headers).toMatchObject({ 'x-tenant': 'shop' });
  });

  test('speaks JSON and gRPC, and compresses', async () => {
    const file = fileOf(...FIVE_AND_TWO);
    const http = await startBackend();
    const json = await spanflow(['replay', file, '--to', http.url, '--protocol', 'http/json', '--compression', 'gzip']);
    expect([json.code, http.requests[0]?.headers]).toMatchObject([
      0,
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ]);
    const backend = await grpcBackend();
    const grpc = await spanflow(['replay', file, '--to', backend.url, '--protocol', 'grpc']);
    expect([grpc.code, grpc.stdout]).toEqual([0, expect.stringContaining('delivered')]);
    expect(backend.arrivals).toHaveLength(2);
  });

  test('says what was damaged, and what else is in the file; then its exit code is 1', async () => {
    const backend = await startBackend();
    const damaged = await spanflow(['replay', fileOf(...FIVE_AND_TWO, '{"resourceSpans":['), '--to', backend.url]);
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toMatch(/\ndamaged and passed over: 1 record; the first: .*:3: .+\n/);
    const torn = await spanflow(['replay', tornFile(), '--to', backend.url]);
    expect(torn.stdout).toContain('; the first: ');
    expect(torn.stdout).toMatch(
      /, record 2 at byte \d+: a record of 268435455 bytes reaches beyond the end: the remaining 3 bytes cannot be read\n/,
    );
    expect(torn.stdout).toContain('\nnot read, behind a damaged length: 3 bytes\n');
    const logs = await spanflow(['replay', fileOf(line(encodeLogsJson([logRecordWith()]))), '--to', backend.url]);
    expect(logs.stdout).toContain('nothing in it is of traces: try --signal logs or --signal metrics\n');
  });

  test('waits for a backend that is down; interrupted, it says what was not sent', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    let isInterrupted = false; // the second time would end it at once
    const run = await spanflow(['replay', fileOf(...FIVE_AND_TWO), '--to', url], {
      onStderr: (text, interrupt) => {
        if (!isInterrupted && text.includes('will be tried again')) interrupt();
        isInterrupted ||= text.includes('will be tried again');
      },
    });
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(
      /: 0 in [\d.]+ s, 0 a second\nlost: \d shutdown; the newest failure: no answer from http:.*ECONNREFUSED/,
    );
    expect(run.stderr).toContain('ECONNREFUSED');
  });

  test('at the end of the file, what a backend that is down has not taken is given up, and the reason is told', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    const run = await spanflow(['replay', fileOf(line(encodeTracesJson(spans(1)))), '--to', url]);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/: 1 span in 1 request\ndelivered to .*: 0 in /);
    expect(run.stdout).toContain(
      `\nlost: 1 not taken by the backend; the newest failure: no answer from ${url}/v1/traces`,
    );
    expect(run.stdout).not.toContain('shutdown');
  });

  test.each<[args: readonly string[], message: string]>([
    [[], 'replay needs a file: spanflow replay FILE --to URL'],
    [['a', 'b'], 'replay takes one file, and was given b, too'],
    [['a'], 'replay needs --to URL, such as --to http://localhost:4318'],
    [['a', '--to', 'x'], '--to must be a URL, such as http://localhost:4318, and is x'],
    [['a', '--to', 'http://x', '--rate', 'fast'], '--rate must be a number of items a second from 0.001, and is fast'],
    [['a', '--to', 'http://x', '--signal', 'spans'], '--signal must be one of traces, logs, metrics, and is spans'],
    [['a', '--to', 'http://x', '--header', 'x'], '--header must be NAME=VALUE'],
    [['a', '--to', 'http://x', '--speed', '1'], "Unknown option '--speed'"],
    [['/absent', '--to', 'http://x'], 'spanflow: /absent cannot be read: ENOENT: no such file or directory'],
    [['/', '--to', 'http://x'], 'spanflow: / is a folder: replay takes one file'],
  ])('called with %j says what is wrong', async (args, message) => {
    const run = await spanflow(['replay', ...args]);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain(message);
    expect(run.stderr).toMatch(/^spanflow: [^\n]*\nspanflow replay --help says how it is called\n$/);
  });
});

test('spanflow without a command, or with --help, says which there are; with another it names them', async () => {
  for (const args of [[], ['--help']]) {
    const { code, stdout } = await spanflow(args);
    expect([code, stdout]).toEqual([0, expect.stringContaining('spanflow replay FILE --to URL')]);
  }
  expect((await spanflow(['replay', '--help'])).stdout).toContain('--rate N');
  expect(await spanflow(['reply'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no command reply: there is relay, replay'),
  });
}, 160_000);
