import { UNLIMITED } from '../protobuf/decodeLimits.ts';
import { integerOf } from '../protobuf/int64.ts';
import { Reader } from '../protobuf/reader.ts';
import { delimited, fieldsOf, readFields, readMessage, varint } from '../protobuf/readMessage.ts';

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

interface Delay {
  millis?: number;
}

interface Detail extends Delay {
  type: string;
}

const addDuration =
  (millisPerUnit: number) =>
  (duration: Required<Delay>, reader: Reader): void => {
    reader.varint64();
    duration.millis += Number(integerOf(reader)) * millisPerUnit;
  };

const durationFields = fieldsOf<Required<Delay>>({ [varint(1)]: addDuration(1_000), [varint(2)]: addDuration(1e-6) });

const retryInfoFields = fieldsOf<Delay>({
  [delimited(1)]: (delay, reader) => {
    const duration = { millis: 0 };
    readMessage(reader, durationFields, duration);
    delay.millis = Math.max(0, duration.millis);
  },
});

/** `google.protobuf.Any` */
const detailFields = fieldsOf<Detail>({
  [delimited(1)]: (detail, reader) => {
    detail.type = reader.text();
  },
  [delimited(2)]: (detail, reader) => {
    if (detail.type !== RETRY_INFO) {
      reader.content();
      return;
    }
    detail.millis = 0;
    readMessage<Delay>(reader, retryInfoFields, detail);
  },
});

const statusFields = fieldsOf<Delay>({
  [delimited(3)]: (status, reader) => {
    const detail: Detail = { type: '' };
    readMessage(reader, detailFields, detail);
    if (detail.millis !== undefined) status.millis ??= detail.millis;
  },
});

/**
 * The delay in the `RetryInfo` of a `google.rpc.Status`, in milliseconds; `undefined` without a `RetryInfo`, and for bytes that are
 * not a status.
 */
export function retryInfoMillis(status: Uint8Array): number | undefined {
  const found: Delay = {};
  try {
    readFields(new Reader(status, UNLIMITED), statusFields, found);
  } catch {
    return undefined;
  }
  return found.millis;
}
