import { integerOf } from '../protobuf/int64.ts';
import { Reader } from '../protobuf/reader.ts';

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** Field numbers times 8, plus the wire type. */
const STATUS_DETAILS = (3 << 3) | 2;
const ANY_TYPE_URL = (1 << 3) | 2;
const ANY_VALUE = (2 << 3) | 2;
const RETRY_DELAY = (1 << 3) | 2;
const DURATION_SECONDS = 1 << 3;
const DURATION_NANOS = 2 << 3;

/** A status is bounded by whoever has received it. */
const AS_IT_IS = { maxItems: Number.POSITIVE_INFINITY, maxDecodedBytes: Number.POSITIVE_INFINITY };

/** What the `RetryInfo` in a `google.rpc.Status` says: after how many milliseconds to try again. Nothing where there is none, or no message at all. */
export function retryInfoMillis(status: Uint8Array): number | undefined {
  try {
    return findRetryInfo(new Reader(status, AS_IT_IS));
  } catch {
    return undefined;
  }
}

function findRetryInfo(reader: Reader): number | undefined {
  let found: number | undefined;
  eachField(reader, STATUS_DETAILS, () => {
    let type = '';
    let millis: number | undefined;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === ANY_TYPE_URL) type = reader.text();
      else if (tag === ANY_VALUE)
        millis = type === RETRY_INFO ? inside(reader, readRetryInfo) : (reader.skip(tag) ?? undefined);
      else reader.skip(tag);
    }
    found ??= millis;
  });
  return found;
}

function readRetryInfo(reader: Reader): number {
  let millis = 0;
  eachField(reader, RETRY_DELAY, () => {
    millis = readDuration(reader);
  });
  return millis;
}

function readDuration(reader: Reader): number {
  let millis = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== DURATION_SECONDS && tag !== DURATION_NANOS) {
      reader.skip(tag);
      continue;
    }
    reader.varint64();
    millis += Number(integerOf(reader)) * (tag === DURATION_SECONDS ? 1_000 : 1e-6);
  }
  return Math.max(0, millis);
}

/** Goes through a message, and into each field of this tag. */
function eachField(reader: Reader, wanted: number, read: () => void): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === wanted) inside(reader, read);
    else reader.skip(tag);
  }
}

function inside<R>(reader: Reader, read: (reader: Reader) => R): R {
  const outer = reader.enter();
  const result = read(reader);
  reader.leave(outer);
  return result;
}
