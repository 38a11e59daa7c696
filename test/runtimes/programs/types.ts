// The types of each entry, checked by a TypeScript of the user's.
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { filter, type Observable } from 'rxjs';
import { adaptiveBatch, exportTo, type Outcome, otlpHttp, type SpanPipeline, spanPipeline } from 'spanflow';
import { otlpGrpc } from 'spanflow/grpc';
import { fromLogRecordProcessor, logPipeline } from 'spanflow/logs';
import { metricPipeline } from 'spanflow/metrics';
import { encodeTraces } from 'spanflow/otlp';
import { channel } from 'spanflow/streams';
import { statsToConsole } from 'spanflow/terminal';
import { marbles } from 'spanflow/testing';
import { liveView } from 'spanflow/view';

export const pipeline: SpanPipeline = spanPipeline({ sink: otlpHttp({ headers: { key: 'value' } }) });
export const errorsOf = (spans$: Observable<ReadableSpan>): Observable<Outcome<ReadableSpan>> =>
  spans$.pipe(
    filter((span) => span.status.code === 2),
    adaptiveBatch({ maxExportBatchSize: 100 }),
    exportTo(otlpHttp(), { concurrency: 2 }),
  );
export const numbers = channel<number>({ maxQueueSize: 10 });
// @ts-expect-error a channel of numbers
export const refused = numbers.trySend('one');
export const logs = logPipeline({ sink: otlpGrpc({ signal: 'logs' }) });
export const metrics = metricPipeline({ sink: otlpHttp({ signal: 'metrics' }) });
// @ts-expect-error a sink of spans
export const misled = logPipeline({ sink: otlpGrpc() });
export const others = [encodeTraces, fromLogRecordProcessor, statsToConsole, marbles, liveView];
