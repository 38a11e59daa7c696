// Any log record that can be encoded: every field, with values at their edges.

import { emptyResource } from '@opentelemetry/resources';
import fc from 'fast-check';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { logRecordWith } from '../../support/logRecords.ts';
import { attributes, count, hex, hrTime, resource, scope, text, value } from '../arbitrary.ts';

/** Received records may have one of the ids only, or flags and none. */
const context = fc.record({
  traceId: fc.oneof({ weight: 5, arbitrary: hex(32) }, fc.constant('')),
  spanId: fc.oneof({ weight: 5, arbitrary: hex(16) }, fc.constant('')),
  traceFlags: fc.nat(255),
});

const parts = fc.record(
  {
    hrTime,
    hrTimeObserved: hrTime,
    severityNumber: fc.nat(30),
    severityText: text,
    body: value,
    eventName: text,
    spanContext: context,
    attributes,
    droppedAttributesCount: count,
  },
  { requiredKeys: ['hrTime', 'hrTimeObserved', 'attributes', 'droppedAttributesCount'] },
) as fc.Arbitrary<Partial<ReadableLogRecord>>;

/** Up to a dozen records of some resources and scopes that they share. */
export const anyRecords: fc.Arbitrary<ReadableLogRecord[]> = fc
  .tuple(
    fc.array(resource, { maxLength: 2 }),
    fc.array(scope, { maxLength: 2 }),
    fc.array(fc.tuple(parts, fc.nat(8)), { maxLength: 12 }),
  )
  .map(([resources, scopes, all]) =>
    all.map(([part, owner]) =>
      logRecordWith({
        ...part,
        resource: resources[owner % 3] ?? emptyResource(),
        instrumentationScope: scopes[Math.floor(owner / 3)] ?? { name: 'scope' },
      }),
    ),
  );
