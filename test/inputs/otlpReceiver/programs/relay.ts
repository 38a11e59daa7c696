// A relay that answers when the backend has what it was sent. It is killed.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { exponentialBackoff, exportTo, otlpHttp, rebatch, runPipeline } from '../../../../src/index.ts';
import { otlpReceiver } from '../../../../src/inputs/otlpReceiver/index.ts';

const { port, backendUrl, acknowledge } = JSON.parse(process.argv[2] ?? '') as {
  readonly port: number;
  readonly backendUrl: string;
  readonly acknowledge: 'accepted' | 'delivered';
};
const receiver = otlpReceiver({ http: { port }, acknowledge, retryAfterMillis: 0 });
const rebatched$ = receiver.traces$.pipe(rebatch<ReadableSpan>({ maxExportBatchSize: 50, scheduledDelayMillis: 10 }));
const retry = { backoff: exponentialBackoff({ initialMillis: 20, maxMillis: 100 }) };
runPipeline(receiver, rebatched$.pipe(exportTo(otlpHttp({ url: backendUrl, environment: {} }), { retry })));
const { http } = await receiver.listen();
process.send?.({ port: http?.port });
process.on('disconnect', () => process.exit());
