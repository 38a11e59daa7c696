// What the tests of otlpGrpc have in common.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';
import type { ObservableSink } from '../../src/index.ts';
import { decodeTraces } from '../../src/otlp/index.ts';
import { type OtlpGrpcOptions, otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import type { GrpcArrival } from './grpcBackend.ts';

/** An `otlpGrpc` that reads no variables of the machine it is tested on. */
export function openGrpcSink(options: OtlpGrpcOptions): ObservableSink<ReadableSpan> {
  const sink = otlpGrpc({ environment: {}, ...options });
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

/** The names of the spans that arrived, call by call. */
export function namesIn(arrivals: readonly GrpcArrival[]): string[][] {
  return arrivals.map(({ message }) => decodeTraces(message).map(({ name }) => name));
}

/** A `google.rpc.Status` with a `RetryInfo`. */
export function retryInfo(code: number, seconds: number, nanos = 0): Buffer {
  const duration = Buffer.from([0x08, ...varint(seconds), 0x10, ...varint(nanos)]);
  const info = field(1, duration);
  const any = Buffer.concat([field(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(2, info)]);
  return Buffer.concat([Buffer.from([0x08, code]), field(2, Buffer.from('later')), field(3, any)]);
}

/** An `Export…ServiceResponse` with a partial success. */
export function partialSuccess(rejected: number, message: string): Buffer {
  return field(1, Buffer.concat([Buffer.from([0x08, ...varint(rejected)]), field(2, Buffer.from(message))]));
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
