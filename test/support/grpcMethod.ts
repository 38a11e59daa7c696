import type { Server, ServerUnaryCall, ServiceDefinition, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';

/** A call whose message and answer are bytes. */
export type BytesCall = ServerUnaryCall<Buffer, Buffer>;

/** Lets a server answer one method of OTLP, whose messages it is given as they came. */
export function serveBytes(
  server: Server,
  path: string,
  answer: (call: BytesCall, done: sendUnaryData<Buffer>) => void,
): void {
  const same = (bytes: Buffer) => bytes;
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const definition = { Export: { path, requestStream: false, responseStream: false, ...codec } };
  server.addService(definition as ServiceDefinition, { Export: answer as UntypedHandleCall });
}
