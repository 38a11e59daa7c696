// What `toKafka` makes of batches, without a broker: test/kafka has one.

import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/index.ts';
import { toKafka } from '../../src/kafka.ts';
import { RequestLender } from '../../src/otlp/encode/requestLender.ts';
import { decodeLogs, decodeTraces, decodeTracesJson, encodeTraces } from '../../src/otlp/index.ts';
import { signalOf } from '../../src/otlp/signals.ts';
import { byTrace, inRequests, MessageMaker } from '../../src/sinks/toKafka/messages.ts';
import { failureOf } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)] as const;
const NEVER = new AbortController().signal;

function spanOf(traceId: string, name: string, attributes = {}) {
  return spanWith({ name, attributes, spanContext: () => ({ traceId, spanId: '00000000000000aa', traceFlags: 1 }) });
}

function maker<S extends 'traces' | 'logs'>(signal: S, encoding: 'protobuf' | 'json', maxBytes: number) {
  return new MessageMaker(new RequestLender(signalOf(signal).fields as never, 65_536), encoding, maxBytes);
}

const namesIn = (value: Uint8Array) => decodeTraces(value).map(({ name }) => name);

test('a message for each trace: the key is the trace id in hexadecimal digits, the value a request of its spans alone', async () => {
  const spans = [spanOf(A, 'a1'), spanOf(B, 'b1'), spanOf(A, 'a2')];
  const { messages } = await maker('traces', 'protobuf', 1_000).make(byTrace(spans, 'traces'), NEVER);
  expect(messages.map(({ key, value }) => [key?.toString(), namesIn(value)])).toEqual([
    [A, ['a1', 'a2']],
    [B, ['b1']],
  ]);
  expect(messages[1]?.value.equals(encodeTraces([spans[1] as never]))).toBe(true);
});

test('JSON messages are OTLP/JSON', async () => {
  const { messages } = await maker('traces', 'json', 10_000).make([['', [spanOf(A, 'a1')]]], NEVER);
  expect(messages.map(({ key }) => key)).toEqual([undefined]);
  expect(decodeTracesJson(messages[0]?.value as Buffer).map(({ name }) => name)).toEqual(['a1']);
});

test('log records without a trace, or with an empty one, share a message without a key', async () => {
  const inTrace = { traceId: A, spanId: '00000000000000aa', traceFlags: 1 };
  const records = [
    logRecordWith({ body: 'of none' }),
    logRecordWith({ body: 'of a', spanContext: inTrace }),
    logRecordWith({ body: 'of an empty one', spanContext: { ...inTrace, traceId: '0'.repeat(32) } }),
  ];
  const { messages } = await maker('logs', 'protobuf', 1_000).make(byTrace(records, 'logs'), NEVER);
  expect(messages.map(({ key, value }) => [key?.toString(), decodeLogs(value).map(({ body }) => body)])).toEqual([
    [undefined, ['of none', 'of an empty one']],
    [A, ['of a']],
  ]);
});

test('what is larger than a message may be is divided, with the same key', async () => {
  const spans = Array.from({ length: 8 }, (_, index) => spanOf(A, `a${index}`, { text: 'x'.repeat(300) }));
  const { messages } = await maker('traces', 'protobuf', 1_200).make(byTrace(spans, 'traces'), NEVER);
  expect(messages.length).toBeGreaterThan(2);
  for (const { key, value } of messages) expect([key?.toString(), value.length <= 1_200]).toEqual([A, true]);
  expect(messages.flatMap(({ value }) => namesIn(value))).toEqual(spans.map(({ name }) => name));
});

test('an item that is larger by itself is too large, and nothing is sent', async () => {
  const sink = toKafka({ brokers: ['127.0.0.1:1'], topic: 't', maxMessageBytes: 500 });
  const error = await failureOf(sink, [spanOf(A, 'small'), spanOf(A, 'large', { text: 'x'.repeat(1_000) })]);
  expect([error.failure, error.message]).toEqual([{ kind: 'tooLarge' }, 'an item is larger than maxMessageBytes 500']);
});

test('items that OTLP cannot express are in no message, and counted', async () => {
  const spans = [spanOf('no id', 'x'), spanOf(A, 'a1')];
  const { messages, unencodable } = await maker('traces', 'protobuf', 1_000).make(byTrace(spans, 'traces'), NEVER);
  expect([messages.map(({ value }) => namesIn(value)), unencodable]).toEqual([[['a1']], 1]);
});

test('the event loop has turns while many messages are made, and an abort ends it', async () => {
  const spans = Array.from({ length: 200 }, (_, index) => spanOf(index.toString(16).padStart(32, 'c'), 'of one'));
  const abort = new AbortController();
  setImmediate(() => abort.abort(new Error('enough')));
  const made = maker('traces', 'protobuf', 1_000).make(byTrace(spans, 'traces'), abort.signal);
  await expect(made).rejects.toThrow('enough');
});

test('messages go in as many requests as the limit needs, in their order', () => {
  const messages = [300, 300, 300, 900, 10].map((size) => ({ value: Buffer.alloc(size) }));
  const parts = [...inRequests(messages, 1_000)];
  expect(parts.map((part) => part.map(({ value }) => value.length))).toEqual([[300, 300], [300], [900], [10]]);
  expect(parts.flat()).toEqual(messages);
});

test('where nothing listens, the attempt fails as retryable, and says so', async () => {
  const sink = toKafka({ brokers: ['127.0.0.1:1'], topic: 't', connectTimeoutMillis: 60_000 });
  const { failure } = await failureOf(sink, [spanOf(A, 'a1')]);
  await sink.shutdown?.();
  expect(failure).toEqual({ kind: 'retryable', connectionRefused: true });
  expect((await failureOf(sink, [spanOf(A, 'a1')])).failure).toEqual({ kind: 'permanent' });
});

test('names the options that are wrong', () => {
  const wrong = () => toKafka({ brokers: [], topic: '', signal: 'metrics', partitionBy: 'trace' } as never);
  expect(wrong).toThrow(InvalidOptionError);
  expect(wrong).toThrow(/toKafka\.brokers must be an array of host:port, at least one/);
  expect(wrong).toThrow(/toKafka\.topic must be a string that is not empty/);
  expect(wrong).toThrow(/toKafka\.partitionBy must be one of 'batch'/);
});
