import { messageOf, SpanflowError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import { UNLIMITED } from '../protobuf/decodeLimits.ts';
import { integerOf } from '../protobuf/int64.ts';
import { Reader } from '../protobuf/reader.ts';
import { delimited, type Fields, fieldsOf, readFields, readMessage, varint } from '../protobuf/readMessage.ts';

/** A server's message goes into outcomes and logs, and is clipped to this length. */
const MAX_MESSAGE_LENGTH = 1024;

/** The OTLP specification's limit for a response. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** A server's answer to a request that it accepted. */
export interface ExportServiceResponse {
  /** How many items it rejected (spans, log records, data points); 0 where all arrived. */
  readonly rejected: number;
  /** The reason, or a warning where none was rejected, or empty. One line, {@link escaped}, of some 1,000 characters at most. */
  readonly message: string;
}

/** A message may come in several pieces, whose fields overwrite each other. */
interface PartialSuccess {
  rejected: number;
  message: string;
}

interface Status {
  code: number;
  message: string;
}

const partialSuccessFields = fieldsOf<PartialSuccess>({
  [varint(1)]: (success, reader) => {
    reader.varint64();
    success.rejected = Number(integerOf(reader));
  },
  [delimited(2)]: (success, reader) => {
    success.message = lenientText(reader);
  },
});

const responseFields = fieldsOf<PartialSuccess>({
  [delimited(1)]: (response, reader) => readMessage(reader, partialSuccessFields, response),
});

const statusFields = fieldsOf<Status>({
  [varint(1)]: (status, reader) => {
    status.code = reader.int32();
  },
  [delimited(2)]: (status, reader) => {
    status.message = lenientText(reader);
  },
});

/**
 * The body of a success: the `ExportTraceServiceResponse`, or that of another signal, which is the same on the wire. An empty body means that all items arrived.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeResponse(bytes: Uint8Array): ExportServiceResponse {
  const { rejected, message } = messageIn('the response', bytes, responseFields, {
    rejected: 0,
    message: '',
  });
  return { rejected: Math.min(Math.max(rejected, 0), Number.MAX_SAFE_INTEGER), message: shownText(message) };
}

/**
 * The message in the body of a failure (`google.rpc.Status`), or else its code in words, or else an empty string. It is one line, escaped
 * and clipped, as {@link ExportServiceResponse.message} is.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE`
 */
export function decodeStatus(bytes: Uint8Array): string {
  const { code, message } = messageIn('RpcStatus', bytes, statusFields, { code: 0, message: '' });
  if (message === '' && code !== 0) return `code ${code}`;
  return shownText(message);
}

function messageIn<Message>(name: string, bytes: Uint8Array, fields: Fields<Message>, message: Message): Message {
  if (bytes.length > MAX_RESPONSE_BYTES)
    throw malformed(`a response of ${bytes.length} bytes is over ${MAX_RESPONSE_BYTES}`);
  const reader = new Reader(bytes, UNLIMITED);
  try {
    readFields(reader, fields, message);
  } catch (thrown) {
    throw malformed(`${name} is malformed near byte ${reader.at} of ${bytes.length}: ${messageOf(thrown)}`, thrown);
  }
  return message;
}

/** A text that is not UTF-8 still says more than nothing: it is only shown. */
function lenientText(reader: Reader): string {
  const start = reader.content();
  return reader.bytes.toString('utf8', start, reader.at);
}

function malformed(message: string, cause?: unknown): SpanflowError {
  return new SpanflowError('MALFORMED_MESSAGE', message, { cause });
}

/** The text is cut before it is escaped too, because escaping makes it up to six times as long. */
function shownText(message: string): string {
  const line = escaped(message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed());
  if (message.length <= MAX_MESSAGE_LENGTH && line.length <= MAX_MESSAGE_LENGTH) return line;
  return `${line.slice(0, MAX_MESSAGE_LENGTH).toWellFormed()}…`;
}
