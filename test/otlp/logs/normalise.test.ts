import { describe, expect, test } from 'vitest';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { decodeLogs, encodeLogs } from '../../../src/otlp/index.ts';
import type { AnyValueMessage, LogRecordMessage } from '../../support/otlpMessages.ts';
import { logsRequest } from '../../support/otlpSchema.ts';

const NONE = new Uint8Array(0);
const TRACE_ID = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
const SPAN_ID = Buffer.from('0123456789abcdef', 'hex');

const EMPTY: LogRecordMessage = {
  timeUnixNano: { low: 0, high: 0 },
  observedTimeUnixNano: { low: 0, high: 0 },
  severityNumber: 0,
  severityText: '',
  body: null,
  attributes: [],
  droppedAttributesCount: 0,
  flags: 0,
  traceId: NONE,
  spanId: NONE,
  eventName: '',
};

function requestWith(parts: Partial<LogRecordMessage>): Uint8Array {
  const group = { scope: null, logRecords: [{ ...EMPTY, ...parts }], schemaUrl: '' };
  return logsRequest.encode({ resourceLogs: [{ resource: null, scopeLogs: [group], schemaUrl: '' }] });
}

function held(parts: Partial<LogRecordMessage>): ReadableLogRecord {
  return decodeLogs(requestWith(parts))[0] as ReadableLogRecord;
}

function again(parts: Partial<LogRecordMessage>): LogRecordMessage {
  const bytes = encodeLogs(decodeLogs(requestWith(parts)));
  return logsRequest.decode(bytes).resourceLogs[0]?.scopeLogs[0]?.logRecords[0] as LogRecordMessage;
}

function bodyAgain(body: AnyValueMessage): unknown {
  const value = again({ body }).body;
  return value === null ? value : { ...value };
}

// One test for each line of the table of log records in src/otlp/README.md, in its order.
describe('what a log record cannot hold', () => {
  test('no body is undefined, and absent again', () => {
    expect(held({})).toHaveProperty('body', undefined);
    expect(again({}).body).toBeNull();
  });

  test('a body without a value is null, and an empty value again', () => {
    expect(held({ body: {} }).body).toBeNull();
    expect(bodyAgain({})).toEqual({});
  });

  test('the numbers of a body are as those of attributes', () => {
    expect(held({ body: { doubleValue: 1 } }).body).toBe(1);
    expect(bodyAgain({ doubleValue: 1 })).toMatchObject({ intValue: { low: 1, high: 0 } });
    const values = [{ intValue: 1 }, { doubleValue: 2.5 }];
    expect(held({ body: { arrayValue: { values } } }).body).toEqual([1, 2.5]);
  });

  test('no severity, and empty texts, are undefined', () => {
    const { severityNumber, severityText, eventName } = held({});
    expect([severityNumber, severityText, eventName]).toEqual([undefined, undefined, undefined]);
    expect(again({ severityText: '', severityNumber: 0, eventName: '' })).toMatchObject({ severityNumber: 0 });
  });

  test('a severity number that is negative is absent again', () => {
    expect(held({ severityNumber: -1 }).severityNumber).toBe(-1);
    expect(again({ severityNumber: -1 }).severityNumber).toBe(0);
  });

  test('a severity number that is newer stays', () => {
    expect(held({ severityNumber: 99 }).severityNumber).toBe(99);
    expect(again({ severityNumber: 99 }).severityNumber).toBe(99);
  });

  test('a time of 0 is [0, 0], and absent again', () => {
    expect(held({})).toMatchObject({ hrTime: [0, 0], hrTimeObserved: [0, 0] });
    expect(encodeLogs(decodeLogs(requestWith({}))).length).toBe(requestWith({}).length + 4); // an empty resource and scope
  });

  test('neither an id nor a flag is no context', () => {
    expect(held({}).spanContext).toBeUndefined();
    expect(held({ flags: 0x100 }).spanContext).toBeUndefined();
  });

  test('some of ids and flags are a context whose other ids are empty, and the same again', () => {
    const cases: [Partial<LogRecordMessage>, object][] = [
      [{ traceId: TRACE_ID }, { traceId: TRACE_ID.toString('hex'), spanId: '', traceFlags: 0 }],
      [{ spanId: SPAN_ID }, { traceId: '', spanId: SPAN_ID.toString('hex'), traceFlags: 0 }],
      [{ flags: 1 }, { traceId: '', spanId: '', traceFlags: 1 }],
    ];
    for (const [parts, context] of cases) {
      expect(held(parts).spanContext).toEqual(context);
      const { traceId, spanId, flags } = again(parts);
      const bytes = (id: Uint8Array = NONE) => [...id];
      expect([bytes(traceId), bytes(spanId), flags]).toEqual([
        bytes(parts.traceId),
        bytes(parts.spanId),
        parts.flags ?? 0,
      ]);
    }
  });

  test('flags above the lowest eight bits are not held', () => {
    expect(held({ flags: 0x301, traceId: TRACE_ID }).spanContext?.traceFlags).toBe(1);
    expect(again({ flags: 0x301, traceId: TRACE_ID }).flags).toBe(1);
  });

  test('an id of the wrong length is held as its digits, and cannot be sent again', () => {
    const records = decodeLogs(requestWith({ traceId: Buffer.of(1, 2) }));
    expect(records[0]?.spanContext?.traceId).toBe('0102');
    expect(() => encodeLogs(records)).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
  });
});
