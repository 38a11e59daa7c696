/**
 * OTLP requests of other programs as a stream of batches.
 *
 * @module spanflow/receiver
 */

import '../../internal/requireNode.ts';

export type { Batch } from '../../model/batch.ts';
export type { OtlpReceiver, ReceiverAddress, ReceiverStats, SignalCounts } from './api.ts';
export type { Listening } from './listening.ts';
export type { GrpcReceiverOptions, HttpReceiverOptions, ListenOptions, OtlpReceiverOptions } from './options.ts';
export { otlpReceiver } from './otlpReceiver.ts';
export type { ServerTlsOptions } from './serverTls.ts';
