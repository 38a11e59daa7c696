import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { decodeLogs, encodeLogs } from '../../../src/otlp/index.ts';
import { logRecordWith, SPAN_CONTEXT } from '../../support/logRecords.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { expectSameOfChanged, itemsOrRefused } from '../../support/verdicts.ts';
import { anyRecords } from './arbitrary.ts';
import { protobufjsLogBytes, protobufjsRecords } from './oracle.ts';

function expectSameBytes(records: readonly ReadableLogRecord[]): void {
  expect(Buffer.from(encodeLogs(records)).toString('hex')).toBe(
    Buffer.from(protobufjsLogBytes(records)).toString('hex'),
  );
}

/** Every property, and which records share a resource or a scope. */
function expectSameRecords(bytes: Uint8Array): void {
  const ours = decodeLogs(bytes);
  const theirs = protobufjsRecords(bytes);
  assert.deepStrictEqual(ours, theirs);
  assert.deepStrictEqual(sharing(ours), sharing(theirs));
}

function sharing(records: readonly ReadableLogRecord[]): boolean[] {
  return records.map((record, index) => {
    const before = records[index - 1];
    return record.resource === before?.resource && record.instrumentationScope === before.instrumentationScope;
  });
}

const BODIES: readonly unknown[] = [
  undefined,
  null,
  '',
  'text',
  0,
  -0,
  1.5,
  Number.NaN,
  false,
  true,
  2n ** 63n - 1n,
  2n ** 63n,
  new Uint8Array(0),
  Uint8Array.of(1, 2),
  [],
  [null, undefined, [], {}],
  [1, 2.5],
  {},
  { a: { b: { c: [1, 'x', Uint8Array.of(1)] } }, '': '', 7: null },
  'x'.repeat(126),
  'x'.repeat(20_000),
];

describe('the encoder writes byte for byte what protobufjs writes', () => {
  test('for any records', () => {
    fc.assert(fc.property(anyRecords, expectSameBytes), randomRuns(600));
  });

  test.each(BODIES.map((body) => [body]))('for a record with the body %o', (body) => {
    expectSameBytes([logRecordWith({ body }), logRecordWith({ body, spanContext: SPAN_CONTEXT })]);
  });

  test('for a body that has no form, and counts it as an attribute that is left out', () => {
    const knownToTheOracle = [() => {}, [1, { at: Symbol('no form') }]];
    for (const body of [...knownToTheOracle, new Date(), [1, { at: new Map() }]]) {
      const record = logRecordWith({ body, attributes: { a: 1, none: Symbol('no form') }, droppedAttributesCount: 3 });
      if (knownToTheOracle.includes(body as never)) expectSameBytes([record]);
      expect(decodeLogs(encodeLogs([record]))).toMatchObject([
        { body: undefined, attributes: { a: 1 }, droppedAttributesCount: 5 },
      ]);
    }
  });

  test('for trace flags of more than eight bits, of which eight are sent', () => {
    expectSameBytes(
      [0x301, 0x300, -1].map((traceFlags) => logRecordWith({ spanContext: { ...SPAN_CONTEXT, traceFlags } })),
    );
  });

  test('for a name that comes again, with attributes that differ', () => {
    const keys = ['a', 'b', 'c', 'd'];
    const records = Array.from({ length: 200 }, (_, index) =>
      logRecordWith({
        ...(index % 3 === 0 ? {} : { eventName: `event.${index % 5}` }),
        attributes: Object.fromEntries(keys.slice(index % 4).map((key) => [key, index % 7 === 0 ? index : 'text'])),
      }),
    );
    expectSameBytes(records);
    expectSameBytes(records);
  });
});

describe('the decoder reads what protobufjs reads', () => {
  test('in any records that were encoded', () => {
    fc.assert(
      fc.property(anyRecords, (records) => expectSameRecords(encodeLogs(records))),
      randomRuns(500),
    );
  });

  test('in bodies with bytes changed, of which many are malformed', () => {
    const valid = encodeLogs([
      logRecordWith({ body: { text: 'a', list: [1, 2.5] }, severityNumber: 9, severityText: 'INFO' }),
      logRecordWith({ spanContext: SPAN_CONTEXT, eventName: 'event', attributes: { b: Uint8Array.of(1) } }),
    ]);
    expectSameOfChanged(valid, (bytes) => decodeLogs(bytes), protobufjsRecords);
  });

  test('where a field comes twice: the last one counts, and a body of lists or maps is continued', () => {
    const record = (...hex: string[]) => {
      const inner = Buffer.from(hex.join(''), 'hex');
      const scoped = Buffer.concat([Buffer.of(0x12, inner.length), inner]);
      const grouped = Buffer.concat([Buffer.of(0x12, scoped.length), scoped]);
      return Buffer.concat([Buffer.of(0x0a, grouped.length), grouped]);
    };
    const twice = [
      record('4501000000', '4500000000'),
      record('4a01aa', '4a00'),
      record('2a030a0161', '2a021803'),
      record('2a052a030a0118'.replace('0118', '0100'), '2a00'),
      record('2a062a040a021801', '2a062a040a021802'),
    ];
    for (const bytes of twice) {
      const ours = itemsOrRefused(() => decodeLogs(bytes));
      assert.deepStrictEqual(
        ours,
        itemsOrRefused(() => protobufjsRecords(bytes)),
      );
    }
  });
});

describe('any records', () => {
  test('are the same bytes after one turn and after two', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const once = encodeLogs(decodeLogs(encodeLogs(records)));
        expect(Buffer.compare(encodeLogs(decodeLogs(once)), once)).toBe(0);
      }),
      randomRuns(300),
    );
  });
});
