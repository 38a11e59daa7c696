import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { astronomy, heldTwins } from '../support/data.ts';
import { countOf, type RequestJson } from '../support/otlpJson.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { requestJsonOf } from '../support/spanJson.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

describe('spans of recorded requests', () => {
  test('hold what the JSON twin says, and carry it onto the wire again, field by field', () => {
    const set = astronomy();
    const twins = heldTwins(set);
    const sent: RequestJson[] = [];
    for (const bytes of set.requests()) {
      const twin = twins.next().value;
      const spans = decodeTraces(bytes);
      assert.deepStrictEqual(requestJsonOf(spans), twin);
      const again = decodeRequest(encodeTraces(spans));
      assert.deepStrictEqual(again, twin);
      sent.push(again);
    }
    expect(twins.next().done).toBe(true);
    expect(countOf(sent)).toEqual(set.count);
    // A minute is not enough for 64,151 spans on a machine that has much else to do.
  }, 600_000);

  test('share one resource for each ResourceSpans, and each span has its own one', () => {
    const set = astronomy();
    const twins = set.twins();
    for (const bytes of set.requests()) {
      const named = (twins.next().value as RequestJson).resourceSpans ?? [];
      const resources = new Set(decodeTraces(bytes).map((span) => span.resource));
      expect([...resources].map(serviceOf)).toEqual(named.map((group) => serviceName(group.resource?.attributes)));
    }
  });
});

function serviceOf(resource: ReadableSpan['resource']): unknown {
  return resource.attributes['service.name'];
}

function serviceName(attributes: { key?: string; value?: { stringValue?: string } }[] = []): string | undefined {
  return attributes.find(({ key }) => key === 'service.name')?.value?.stringValue;
}

describe('generated spans', () => {
  test('arrive on the wire with everything they hold', () => {
    for (let seed = 0; seed < 30; seed++) {
      const spans = generatedSpans({ seed, count: 50 });
      assert.deepStrictEqual(decodeRequest(encodeTraces(spans)), requestJsonOf(spans));
    }
  });

  test('are the same bytes after a second round trip', () => {
    for (let seed = 0; seed < 30; seed++) {
      const first = encodeTraces(generatedSpans({ seed, count: 50 }));
      const decoded = decodeTraces(first);
      const second = encodeTraces(decoded);
      // A double that is a whole number may become an integer once, and never again.
      assert.deepStrictEqual(encodeTraces(decodeTraces(second)), second);
      expect(decoded).toHaveLength(50);
    }
  });
});

const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0),
    fc.uint8Array(),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;

const attributes = fc.dictionary(fc.string({ unit: 'binary' }), value, { maxKeys: 8 });
const hrTime = fc.tuple(fc.nat(18_446_744_072), fc.nat(999_999_999)) as fc.Arbitrary<[number, number]>;
const spanParts = fc.record({
  name: fc.string({ unit: 'binary' }),
  kind: fc.nat(4),
  startTime: hrTime,
  endTime: hrTime,
  status: fc.record({ code: fc.nat(2), message: fc.string() }),
  attributes,
  events: fc.array(fc.record({ time: hrTime, name: fc.string(), attributes }), { maxLength: 3 }),
  droppedAttributesCount: fc.nat(0xffff_ffff),
});

describe('any span', () => {
  test('is on the wire what an independent reader expects of it', () => {
    fc.assert(
      fc.property(fc.array(spanParts, { maxLength: 5 }), (parts) => {
        const spans = parts.map((part) => spanWith(part));
        assert.deepStrictEqual(decodeRequest(encodeTraces(spans)), requestJsonOf(spans));
      }),
      randomRuns(300),
    );
  });

  test('decodes to what encodes to the same bytes again', () => {
    fc.assert(
      fc.property(fc.array(spanParts, { maxLength: 5 }), (parts) => {
        const bytes = encodeTraces(decodeTraces(encodeTraces(parts.map((part) => spanWith(part)))));
        expect(Buffer.compare(encodeTraces(decodeTraces(bytes)), bytes)).toBe(0);
      }),
      randomRuns(300),
    );
  });
});
