import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { logRecordWith } from '../../support/logRecords.ts';
import { BARE, FULL, LATEST, MOST_DROPPED, OTHER_TRACE_ID, type Owners, SPAN_ID, TRACE_ID } from './owners.ts';
import { VALUES } from './values.ts';

const SEVERITIES = Array.from({ length: 25 }, (_, number) => number);

/** Log records made by hand, each seen at another nanosecond: every field, empty, full and at its edges, and every kind of body. */
export function richRecords(): ReadableLogRecord[] {
  let nanos = 0;
  const recordIn = ({ resource, scope }: Owners, parts: Partial<ReadableLogRecord>) => {
    nanos += 1;
    return logRecordWith({ resource, instrumentationScope: scope, hrTimeObserved: [1_734_093_473, nanos], ...parts });
  };
  return [
    recordIn(FULL, {
      ...{ severityNumber: 17, severityText: 'Fehler', eventName: 'cart.opened', body: VALUES, attributes: VALUES },
      spanContext: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 0xff },
      droppedAttributesCount: MOST_DROPPED,
    }),
    recordIn(BARE, { hrTime: [0, 0], hrTimeObserved: [0, 0] }),
    recordIn(BARE, { hrTime: LATEST, hrTimeObserved: LATEST }),
    ...SEVERITIES.map((severityNumber) => recordIn(FULL, { severityNumber, body: severityNumber })),
    ...Object.values(VALUES).map((body) => recordIn(BARE, { body })),
    recordIn(BARE, { spanContext: { traceId: OTHER_TRACE_ID, spanId: '', traceFlags: 0 } }),
    recordIn(BARE, { spanContext: { traceId: '', spanId: SPAN_ID, traceFlags: 1 } }),
  ];
}
