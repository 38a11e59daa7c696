/**
 * OTLP over gRPC, on `@grpc/grpc-js`, which is to be installed beside spanflow.
 *
 * @module spanflow/grpc
 */

import '../../internal/requireNode.ts';

export type { AskedHeader, AskedHeaders, MetadataRequest, OtlpGrpcOptions } from './options.ts';
export { otlpGrpc } from './otlpGrpc.ts';
