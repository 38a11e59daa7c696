// The OTLP messages by reflection: the oracle of the tests. It generates code at run time, which the library itself must not.

import protobuf from 'protobufjs/light.js';
import { type MessageTable, tables } from '../../src/otlp/json/read/schema.ts';
import type {
  LogsRequestMessage,
  MetricsRequestMessage,
  RpcStatusMessage,
  TraceRequestMessage,
  TraceResponseMessage,
} from './otlpMessages.ts';

/** One protobuf message, as bytes and as an object of `Message`. */
export interface MessageCodec<Message> {
  encode(message: Message): Uint8Array<ArrayBuffer>;
  /** @throws Error where the bytes are no such message. */
  decode(bytes: Uint8Array): Message;
}

function messageCodec<Message extends object>(type: protobuf.Type): MessageCodec<Message> {
  return {
    encode(message) {
      const writer = type.encode(message);
      return writer.finishInto(new Uint8Array(writer.len));
    },
    decode: (bytes) => type.decode(bytes) as Message,
  };
}

function described(fields: MessageTable[string]): protobuf.IType {
  const type: protobuf.IType & { oneofs: Record<string, protobuf.IOneOf> } = { fields: {}, oneofs: {} };
  const ids = new Set<number>();
  for (const [name, [id, of, how]] of Object.entries(fields)) {
    // A field with several names in JSON is one field on the wire: it has the first of them.
    if (ids.has(id)) continue;
    ids.add(id);
    type.fields[name] = how === 'repeated' ? { id, type: of, rule: 'repeated' } : { id, type: of };
    if (how === undefined || how === 'repeated') continue;
    const oneof = type.oneofs[how] ?? { oneof: [] };
    oneof.oneof.push(name);
    type.oneofs[how] = oneof;
  }
  return type;
}

// From JSON, because only that form is proto3 by default.
const nested: Record<string, protobuf.IType> = {};
for (const [name, fields] of Object.entries(tables)) nested[name] = described(fields);
const root = protobuf.Root.fromJSON({ nested });

export const traceRequest: MessageCodec<TraceRequestMessage> = messageCodec(
  root.lookupType('ExportTraceServiceRequest'),
);

export const logsRequest: MessageCodec<LogsRequestMessage> = messageCodec(root.lookupType('ExportLogsServiceRequest'));

export const metricsRequest: MessageCodec<MetricsRequestMessage> = messageCodec(
  root.lookupType('ExportMetricsServiceRequest'),
);

export const traceResponse: MessageCodec<TraceResponseMessage> = messageCodec(root.lookupType('ExportServiceResponse'));

export const rpcStatus: MessageCodec<RpcStatusMessage> = messageCodec(root.lookupType('RpcStatus'));
