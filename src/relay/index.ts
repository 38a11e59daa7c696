/**
 * OTLP in, processed, and out again.
 *
 * @module spanflow/relay
 */

import '../internal/requireNode.ts';

export type { Batch } from '../model/batch.ts';
export type { Relay, RelayAddress, RelayLoss, RelayReload, RelayReport, RelayState, RelayStats } from './api.ts';
export type {
  RelayAdmin,
  RelayBatch,
  RelayClientTls,
  RelayCompose,
  RelayConfig,
  RelayDestination,
  RelayGrpc,
  RelayHttp,
  RelayMatch,
  RelayOptions,
  RelayProcess,
  RelayReceive,
  RelayRedact,
  RelayServerTls,
  RelaySpanMetrics,
  RelayStreams,
  RelayTailSample,
} from './options.ts';
export { relay } from './relay.ts';
export type { RelayFigures } from './stats/figures.ts';
