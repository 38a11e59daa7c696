import { expect, it, onTestFinished } from 'vitest';
import { type ObservableSink, type OtlpHttpOptions, otlpHttp } from '../../../src/index.ts';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { encodeLogs, encodeLogsJson } from '../../../src/otlp/index.ts';
import { exportOnce, failureOf, outcomeOf } from '../../support/httpExports.ts';
import { rawAnswer, rawServer } from '../../support/httpServer.ts';
import { logRecordWith } from '../../support/logRecords.ts';

const RECORDS = [logRecordWith({ body: { text: 'a' } }), logRecordWith({ body: 'b', severityNumber: 9 })];

function openLogs(options: Omit<OtlpHttpOptions<'logs'>, 'signal'>): ObservableSink<ReadableLogRecord> {
  const sink = otlpHttp({ environment: {}, ...options, signal: 'logs' });
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

const answered = (status: number, type: string, body: string) =>
  rawAnswer(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }, body);

const OK = answered(200, 'application/x-protobuf', '');

it('sends log records to the path of logs, which the endpoint of all signals is given', async () => {
  const server = await rawServer(({ socket }) => socket.write(OK));
  const { origin } = new URL(server.url);
  const sink = openLogs({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: origin } });
  expect(await outcomeOf(sink, RECORDS)).toMatchObject({ delivered: 2, rejected: 0, lost: [] });
  const [request] = server.requests;
  expect(request?.head).toMatch(/^POST \/v1\/logs HTTP\/1.1/);
  expect(Buffer.compare(request?.body as Buffer, encodeLogs(RECORDS))).toBe(0);
});

it('reads the variables of logs before those of all signals, and none of traces', async () => {
  const server = await rawServer(({ socket }) => socket.write(answered(200, 'application/json', '{}')));
  const { origin } = new URL(server.url);
  const environment = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${origin}/traces`,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${origin}/mine`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
  };
  expect(await exportOnce(openLogs({ environment }), RECORDS)).toEqual({ rejected: 0 });
  const [request] = server.requests;
  expect(request?.head).toMatch(/^POST \/mine /);
  expect(Buffer.compare(request?.body as Buffer, encodeLogsJson(RECORDS))).toBe(0);
});

it('counts the log records that a backend rejects, in protobuf and in JSON', async () => {
  const json = JSON.stringify({ partialSuccess: { rejectedLogRecords: '1', errorMessage: 'too old' } });
  const protobuf = Buffer.from('0a0b08011207', 'hex').toString('latin1');
  for (const [encoding, type, body] of [
    ['json', 'application/json', json],
    ['protobuf', 'application/x-protobuf', `${protobuf}too old`],
  ] as const) {
    const server = await rawServer(({ socket }) => socket.write(answered(200, type, body)));
    const outcome = await outcomeOf(openLogs({ url: server.url, encoding }), RECORDS);
    expect(outcome).toMatchObject({ delivered: 1, rejected: 1, lost: [], message: 'too old' });
  }
});

it('counts a record that cannot be expressed as unencodable, and sends the others', async () => {
  const server = await rawServer(({ socket }) => socket.write(OK));
  const outcome = await outcomeOf(openLogs({ url: server.url }), [...RECORDS, logRecordWith({ hrTime: [-1, 0] })]);
  expect(outcome).toMatchObject({ delivered: 2, lost: [{ count: 1, reason: 'unencodable' }] });
});

it('asks whether the path of logs was meant where nobody serves another one', async () => {
  const server = await rawServer(({ socket }) => socket.write(answered(404, 'text/plain', '')));
  const { origin } = new URL(server.url);
  const { message } = await failureOf(openLogs({ url: origin }), RECORDS);
  expect(message).toContain(`; did you mean ${origin}/v1/logs?`);
});
