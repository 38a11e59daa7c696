// Calls of OTLP/gRPC whose messages are bytes, well formed or not.

import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SIGNALS } from '../../src/otlp/signals.ts';

/** How a call was answered. */
export interface Answered {
  /** 0 is success. */
  readonly code: number;
  readonly message: Buffer | undefined;
  readonly error: ServiceError | undefined;
}

/** A client that sends a call once. Whoever makes it closes it. */
export function bareClient(port: number, channel = credentials.createInsecure(), options: ChannelOptions = {}): Client {
  return new Client(`127.0.0.1:${port}`, channel, { 'grpc.enable_retries': 0, ...options });
}

/** Sends one message, by default to the service of traces. */
export function call(
  client: Client,
  message: Uint8Array,
  { method = SIGNALS.traces.method, metadata = new Metadata(), deadline = Date.now() + 30_000 } = {},
): Promise<Answered> {
  const bytes = (value: Buffer) => value;
  return new Promise((resolve) =>
    client.makeUnaryRequest(method, bytes, bytes, Buffer.from(message), metadata, { deadline }, (error, answer) =>
      resolve({ code: error?.code ?? 0, message: answer, error: error ?? undefined }),
    ),
  );
}
