import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { decodeLogs, encodeLogs, encodeLogsJson } from '../../../src/otlp/index.ts';
import { viewLogsJson } from '../../../src/otlp/logs/decode/viewLogsJson.ts';
import { protobufjsRecords } from '../../otlp/logs/oracle.ts';
import { logsRequest } from '../../support/otlpSchema.ts';
import { seeded } from '../../support/spans.ts';
import { type CodecTask, inTurn, parsedBody } from './codecTask.ts';

export type LogTask = 'encodeLogs' | 'decodeLogs' | 'viewLogsJson';

const RECORDS = 512;

export function logCodec(task: LogTask): CodecTask {
  const batches = [requestLogs(RECORDS)];
  const workload = 'logs of 5 attributes';
  if (task === 'encodeLogs') {
    const contestants = [
      inTurn('spanflow', RECORDS, batches, (records) => encodeLogs(records)),
      inTurn('otlp-transformer', RECORDS, batches, (records) => ProtobufLogsSerializer.serializeRequest(records)),
    ];
    return { workload, contestants };
  }
  if (task === 'viewLogsJson') {
    const texts = batches.map((records) => encodeLogsJson(records));
    const contestants = [
      inTurn('spanflow, views', RECORDS, texts, (body) => viewLogsJson(body)),
      inTurn('JSON.parse of the body', RECORDS, texts, parsedBody),
    ];
    return { workload, contestants };
  }
  const bodies = batches.map((records) => encodeLogs(records));
  const contestants = [
    inTurn('spanflow', RECORDS, bodies, (bytes) => decodeLogs(bytes)),
    inTurn('protobufjs and records of it', RECORDS, bodies, protobufjsRecords),
    inTurn('protobufjs, messages only', RECORDS, bodies, (bytes) => logsRequest.decode(bytes)),
  ];
  return { workload, contestants };
}

/** Log records of an HTTP server as they come out of the SDK, each in a span: some of the attributes repeat, some never do. */
function requestLogs(count: number): ReadableLogRecord[] {
  const records: ReadableLogRecord[] = [];
  const onEmit = (record: ReadableLogRecord) => void records.push(record);
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench', 'service.version': '1.0.0', 'host.name': 'bench-1' }),
    processors: [{ onEmit, forceFlush: async () => {}, shutdown: async () => {} }],
  });
  const logger = provider.getLogger('bench', '1.0.0');
  const random = seeded(1);
  for (let at = 0; at < count; at++) {
    const id = Math.floor(random() * 1e9);
    const hex = id.toString(16).padStart(8, '0');
    const context = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: hex.repeat(4),
      spanId: hex.repeat(2),
      traceFlags: 1,
    });
    logger.emit({
      ...(at % 20 === 0 ? { severityNumber: 17, severityText: 'ERROR' } : { severityNumber: 9, severityText: 'INFO' }),
      body: `request ${id} was answered in ${(random() * 100).toFixed(1)} ms`,
      attributes: {
        'http.request.method': ['GET', 'GET', 'POST', 'PUT'][at % 4],
        'http.route': `/api/shop/${['products', 'cart', 'checkout', 'shipping', 'users'][at % 5]}/:id`,
        'http.response.status_code': at % 50 === 0 ? 500 : 200,
        'url.path': `/api/shop/${id}`,
        'shop.returning': at % 3 === 0,
      },
      context,
    });
  }
  return records;
}
