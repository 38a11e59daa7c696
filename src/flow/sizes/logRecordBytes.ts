import type { ReadableLogRecord } from '../../model/logRecord.ts';
import { receivedBytes } from '../../model/received.ts';
import { attributesBytes, TEXT_BYTES, valueBytes } from './valueBytes.ts';

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** Both times, the severity's number, the count of dropped attributes, and the record's own frame. */
const BARE_RECORD_BYTES = 23;
/** The ids of the span in which it was emitted, and the flags. */
const SPAN_CONTEXT_BYTES = 33;
/** The frame of the body around its value. */
const BODY_BYTES = 2;

/** Estimates how many bytes a log record takes on the wire. Its resource and its scope, which records share, are not counted. */
export function logRecordBytes(record: ReadableLogRecord): number {
  return receivedBytes(record) ?? writtenBytes(record);
}

function writtenBytes(record: ReadableLogRecord): number {
  const { severityText, eventName, body, spanContext, attributes } = record;
  let bytes = BARE_RECORD_BYTES + textBytes(severityText) + textBytes(eventName) + attributesBytes(attributes);
  if (body !== undefined) bytes += BODY_BYTES + valueBytes(body);
  if (spanContext !== undefined) bytes += SPAN_CONTEXT_BYTES;
  return bytes;
}

function textBytes(text: string | undefined): number {
  return text === undefined ? 0 : TEXT_BYTES + text.length;
}
