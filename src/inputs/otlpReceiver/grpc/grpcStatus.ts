import type { Metadata } from '@grpc/grpc-js';
import { encodeStatus } from '../../../otlp/responses/encodeResponse.ts';
import type { GrpcJs } from '../../../peers/grpcJs.ts';
import type { Verdict } from '../verdict.ts';

/** The status of a call that is refused, with the details of it: a `RetryInfo`, if the sender may try again after some time. */
export function statusOf(
  { Metadata: GrpcMetadata }: Pick<GrpcJs, 'Metadata'>,
  verdict: Verdict,
): { readonly code: number; readonly details: string; readonly metadata: Metadata } {
  const metadata = new GrpcMetadata();
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(verdict)));
  return { code: verdict.code, details: verdict.message, metadata };
}
