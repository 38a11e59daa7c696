import type { SpanContext } from '@opentelemetry/api';
import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { ReceivedItem } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import { type AttributesPart, type Origin, type Part, partOf, readerOf, SmallParts, View } from '../../decode/wire.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fixed32, fixed64, varint } from '../../protobuf/readMessage.ts';
import { finishContext, finishTimes, recordFields } from './readLogRecord.ts';
import { ReceivedLogRecord } from './receivedLogRecord.ts';

type RecordPart = Part<ReceivedLogRecord>;

const TIMES: RecordPart = partOf(1, recordFields, [fixed64(1), fixed64(11)], (record) => {
  finishTimes(record);
  Object.freeze(record.hrTime);
  Object.freeze(record.hrTimeObserved);
});
const CONTEXT: RecordPart = partOf(2, recordFields, [fixed32(8), delimited(9), delimited(10)], (record) => {
  finishContext(record);
  Object.freeze(record.spanContext);
});
/** Severity, name, and how many attributes are missing. */
const HEAD: RecordPart = partOf(4, recordFields, [varint(2), delimited(3), varint(7), delimited(12)]);
const BODY: RecordPart = partOf(8, recordFields, [delimited(5)], ({ body }) => void frozen(body));
const ATTRIBUTES: RecordPart = partOf(
  16,
  recordFields,
  [delimited(6)],
  ({ attributes }) => void Object.freeze(attributes),
);

export const RECORD_ATTRIBUTES: AttributesPart = { ...ATTRIBUTES, tag: delimited(6) };

const SMALL = new SmallParts(TIMES, CONTEXT, HEAD);

const read = readerOf({ small: SMALL, make: ({ resource, scope }) => new ReceivedLogRecord(resource, scope) });

/** A received log record: each getter reads what it is asked for, once. Where an optional field is absent, it is `undefined`, as in the SDK's own records. */
class LogRecordView extends View<ReceivedLogRecord> implements ReadableLogRecord {
  get hrTime() {
    return read(this, TIMES).hrTime;
  }

  get hrTimeObserved() {
    return read(this, TIMES).hrTimeObserved;
  }

  get spanContext() {
    return read(this, CONTEXT).spanContext as SpanContext;
  }

  get severityText() {
    return read(this, HEAD).severityText as string;
  }

  get severityNumber() {
    return read(this, HEAD).severityNumber as number;
  }

  get eventName() {
    return read(this, HEAD).eventName as string;
  }

  get body() {
    return read(this, BODY).body;
  }

  get attributes() {
    return read(this, ATTRIBUTES).attributes;
  }

  get droppedAttributesCount() {
    return read(this, HEAD).droppedAttributesCount;
  }

  get resource() {
    return ReceivedItem.originOf(this).resource;
  }

  get instrumentationScope() {
    return ReceivedItem.originOf(this).scope;
  }
}

/** Passes over one log record, and adds a view of it. */
export function viewLogRecord(records: ReadableLogRecord[], reader: Reader, origin: Origin): void {
  const at = reader.at;
  reader.content();
  records.push(new LogRecordView(origin, at, reader.at));
}
