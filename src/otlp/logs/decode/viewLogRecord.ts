import type { SpanContext } from '@opentelemetry/api';
import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { Received } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import { type Origin, type Part, partOf, SmallParts, Wire } from '../../decode/wire.ts';
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

const SMALL = new SmallParts(TIMES, CONTEXT, HEAD);

class RecordWire extends Wire<ReceivedLogRecord> {
  protected override get small() {
    return SMALL;
  }

  protected override make({ resource, scope }: Origin): ReceivedLogRecord {
    return new ReceivedLogRecord(resource, scope);
  }
}

/** A received log record: each getter reads what it is asked for, once. Where an optional field is absent, it is `undefined`, as in the SDK's own records. */
class LogRecordView extends Received implements ReadableLogRecord {
  readonly wire: RecordWire;

  constructor(wire: RecordWire) {
    super(wire);
    this.wire = wire;
  }

  get hrTime() {
    return this.wire.read(TIMES).hrTime;
  }

  get hrTimeObserved() {
    return this.wire.read(TIMES).hrTimeObserved;
  }

  get spanContext() {
    return this.wire.read(CONTEXT).spanContext as SpanContext;
  }

  get severityText() {
    return this.wire.read(HEAD).severityText as string;
  }

  get severityNumber() {
    return this.wire.read(HEAD).severityNumber as number;
  }

  get eventName() {
    return this.wire.read(HEAD).eventName as string;
  }

  get body() {
    return this.wire.read(BODY).body;
  }

  get attributes() {
    return this.wire.read(ATTRIBUTES).attributes;
  }

  get droppedAttributesCount() {
    return this.wire.read(HEAD).droppedAttributesCount;
  }

  get resource() {
    return this.wire.origin.resource;
  }

  get instrumentationScope() {
    return this.wire.origin.scope;
  }
}

/** Passes over one log record, and adds a view of it. */
export function viewLogRecord(records: ReadableLogRecord[], reader: Reader, origin: Origin): void {
  const at = reader.at;
  const start = reader.content();
  records.push(new LogRecordView(new RecordWire(origin, at, start, reader.at)));
}
