// Any span that can be encoded: every field, with values at their edges, and enough that comes again for whatever remembers.

import { emptyResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { spanWith } from '../support/spans.ts';

const familiar = [
  '',
  'GET',
  'POST',
  'http.route',
  '7',
  '__proto__',
  'Grüße',
  '日本語',
  '🛒',
  'x\ud800',
  'x'.repeat(127),
  'é'.repeat(64),
];
const utf16 = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) });
export const text = fc.oneof(
  fc.constantFrom(...familiar),
  fc.string({ unit: 'binary' }),
  utf16,
  fc.string({ minLength: 100, maxLength: 300 }),
);

const edges = [
  -0,
  0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  -(2 ** 53),
  2 ** 31,
  2 ** 32,
  -(2 ** 31) - 1,
  127,
  128,
];
const number = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.integer(), fc.nat(300), fc.constantFrom(...edges));

export const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    number,
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    fc.boolean(),
    fc.constantFrom(null, undefined, Symbol('no form'), 2n ** 63n, -(2n ** 63n), -1n),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;

export const attributes = fc.dictionary(text, value, { maxKeys: 8 });
export const count = fc.oneof(fc.nat(3), fc.nat(0xffff_ffff));
export const hrTime = fc.oneof(
  fc.tuple(fc.nat(18_446_744_072), fc.nat(999_999_999)),
  fc.constantFrom([0, 0], [0, 1], [4, 294_967_295], [4, 294_967_296], [2 ** 31, 0], [18_446_744_073, 709_551_615]),
) as fc.Arbitrary<[number, number]>;

export function hex(digits: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: digits, maxLength: digits });
}

const context = fc.record(
  {
    traceId: hex(32),
    spanId: hex(16),
    traceFlags: fc.nat(255),
    traceState: text.map((serialized) => ({ serialize: () => serialized })),
    isRemote: fc.boolean(),
  },
  { requiredKeys: ['traceId', 'spanId', 'traceFlags'] },
) as fc.Arbitrary<ReturnType<ReadableSpan['spanContext']>>;

export const resource = fc
  .tuple(fc.dictionary(fc.string(), fc.oneof(text, fc.integer())), fc.option(text))
  .map(([own, schemaUrl]) => resourceFromAttributes(own, schemaUrl === null ? {} : { schemaUrl }));

export const scope = fc.record(
  { name: text, version: text, schemaUrl: text, attributes, droppedAttributesCount: count },
  { requiredKeys: ['name'] },
);

const event = fc.record(
  { time: hrTime, name: text, attributes, droppedAttributesCount: count },
  { requiredKeys: ['time', 'name'] },
);

const link = fc.record({ context, attributes, droppedAttributesCount: count }, { requiredKeys: ['context'] });

const parts = fc.record({
  name: text,
  kind: fc.nat(6),
  context,
  parentSpanContext: fc.option(context),
  startTime: hrTime,
  endTime: hrTime,
  status: fc.record({ code: fc.nat(3), message: text }, { requiredKeys: ['code'] }),
  attributes,
  events: fc.array(event, { maxLength: 3 }),
  links: fc.array(link, { maxLength: 3 }),
  droppedAttributesCount: count,
  droppedEventsCount: count,
  droppedLinksCount: count,
  owner: fc.nat(8),
});

/** Up to a dozen spans of some resources and scopes that they share. */
export const anySpans: fc.Arbitrary<ReadableSpan[]> = fc
  .tuple(fc.array(resource, { maxLength: 2 }), fc.array(scope, { maxLength: 2 }), fc.array(parts, { maxLength: 12 }))
  .map(([resources, scopes, all]) =>
    all.map(({ context: own, parentSpanContext, owner, ...rest }) => {
      const span = spanWith({
        ...(rest as Partial<ReadableSpan>),
        spanContext: () => own,
        resource: resources[owner % 3] ?? emptyResource(),
        instrumentationScope: scopes[Math.floor(owner / 3)] ?? { name: 'scope' },
      });
      return parentSpanContext === null ? span : { ...span, parentSpanContext };
    }),
  );
