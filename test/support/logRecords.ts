import { emptyResource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '../../src/model/logRecord.ts';

/** The plainest log record, with some of it replaced. */
export function logRecordWith(parts: Partial<ReadableLogRecord> = {}): ReadableLogRecord {
  return {
    hrTime: [1_734_093_473, 340_566_001],
    hrTimeObserved: [1_734_093_473, 340_566_002],
    attributes: {},
    resource: emptyResource(),
    instrumentationScope: { name: 'scope' },
    droppedAttributesCount: 0,
    ...parts,
  };
}

export const SPAN_CONTEXT = {
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: '0123456789abcdef',
  traceFlags: 1,
} as const;
