import type { Attributes, AttributeValue, HrTime, Link, SpanContext, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { makeResource } from '../marbles/spans.ts';

const id = (digits: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((text) => !/^0*$/.test(text));

const context: fc.Arbitrary<SpanContext> = fc.record({
  traceId: id(32),
  spanId: id(16),
  traceFlags: fc.constantFrom(0, 1),
});

const attributeValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.array(fc.integer(), { maxLength: 3 }),
);

const attributes: fc.Arbitrary<Attributes> = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), attributeValue, {
  maxKeys: 5,
});

/** Spans start between the years 2000 and 2100, and last at most a day. */
const startTime: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 946_684_800, max: 4_102_444_800 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
const duration: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 0, max: 86_400 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);

const events: fc.Arbitrary<TimedEvent[]> = fc.array(fc.record({ name: fc.string(), time: startTime, attributes }), {
  maxLength: 2,
});
const links: fc.Arbitrary<Link[]> = fc.array(fc.record({ context, attributes }), { maxLength: 2 });

/** Any span that a tracer can create: with any name, attributes, kind, status, time, events and links, with or without a parent. */
export function anySpan(): fc.Arbitrary<ReadableSpan> {
  return fc
    .record({
      name: fc.string(),
      kind: fc.constantFrom<SpanKind>(0, 1, 2, 3, 4),
      context,
      parent: fc.option(id(16), { nil: undefined }),
      startTime,
      duration,
      status: fc.record({ code: fc.constantFrom(0, 1, 2) }),
      attributes,
      events,
      links,
      resource: attributes,
      scope: fc.string(),
    })
    .map(({ context, parent, scope, resource, ...rest }) =>
      legible({
        ...rest,
        spanContext: () => context,
        ...(parent === undefined ? {} : { parentSpanContext: { ...context, spanId: parent } }),
        endTime: sum(rest.startTime, rest.duration),
        ended: true,
        resource: makeResource(resource),
        instrumentationScope: { name: scope },
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      }),
    );
}

/** Makes counterexamples print the name of the span instead of the source code of its methods. */
function legible(span: ReadableSpan): ReadableSpan {
  return Object.defineProperty(span, fc.toStringMethod, { value: () => `span(${JSON.stringify(span.name)})` });
}

/** A copy of a span with this number as its id, so that spans of one shape can be told apart. */
export function withSpanNumber(span: ReadableSpan, number: number): ReadableSpan {
  const context = { ...span.spanContext(), spanId: number.toString(16).padStart(16, '0') };
  return { ...span, spanContext: () => context };
}

function sum([seconds, nanos]: HrTime, [moreSeconds, moreNanos]: HrTime): HrTime {
  const all = nanos + moreNanos;
  return [seconds + moreSeconds + Math.floor(all / 1_000_000_000), all % 1_000_000_000];
}
