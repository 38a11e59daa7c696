import protobuf from 'protobufjs/light.js';
import { messageOf, SpanflowError } from '../errors.ts';

/** One protobuf message, as bytes and as an object of `Message`. */
export interface MessageCodec<Message> {
  /** @throws whatever the writer throws: the caller knows what it was writing. */
  encode(message: Message): Uint8Array<ArrayBuffer>;
  /** @throws SpanflowError `MALFORMED_MESSAGE` and nothing else. */
  decode(bytes: Uint8Array): Message;
}

export function messageCodec<Message extends object>(type: protobuf.Type): MessageCodec<Message> {
  return {
    encode(message) {
      const writer = type.encode(message);
      // The writer's own buffer may be a slice of a shared pool: what leaves here can be transferred to a thread.
      return writer.finishInto(new Uint8Array(writer.len));
    },
    decode(bytes) {
      return decodeWith<Message>(type, bytes);
    },
  };
}

function decodeWith<Message>(type: protobuf.Type, bytes: Uint8Array): Message {
  let reader: protobuf.Reader | undefined;
  try {
    reader = protobuf.Reader.create(bytes);
    return type.decode(reader) as Message;
  } catch (thrown) {
    const where = reader === undefined ? '' : ` near byte ${reader.pos} of ${bytes.length}`;
    throw new SpanflowError('MALFORMED_MESSAGE', `${type.name} is malformed${where}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
