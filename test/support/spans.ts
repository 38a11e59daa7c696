import type { Attributes, SpanContext, TraceState } from '@opentelemetry/api';
import { emptyResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Numbers from 0 to below 1, the same for the same seed. */
export type Random = () => number;

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export interface GeneratedSpansOptions {
  /** Same seed, same spans. Default 1. */
  readonly seed?: number;
  /** Default 100. */
  readonly count?: number;
}

/**
 * Spans with everything in them: several resources and scopes in turn, events, links, every kind of attribute, unicode, trace state,
 * remote and local parents, all kinds and statuses. Made by hand, with no code of src.
 */
export function generatedSpans(options: GeneratedSpansOptions = {}): ReadableSpan[] {
  const random = seeded(options.seed ?? 1);
  const resources = Array.from({ length: 5 }, (_, index) => generatedResource(random, index));
  const scopes = Array.from({ length: 7 }, (_, index) => generatedScope(index));
  return Array.from({ length: options.count ?? 100 }, () =>
    generatedSpan(random, { resource: pick(random, resources), instrumentationScope: pick(random, scopes) }),
  );
}

/** The plainest valid span, with some of it replaced. */
export function spanWith(parts: Partial<ReadableSpan> = {}): ReadableSpan {
  const context: SpanContext = {
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: '0123456789abcdef',
    traceFlags: 1,
  };
  return {
    name: 'span',
    kind: 0,
    spanContext: () => context,
    startTime: [1_734_093_473, 340_566_001],
    endTime: [1_734_093_473, 366_241_002],
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    duration: [0, 25_675_001],
    ended: true,
    resource: emptyResource(),
    instrumentationScope: { name: 'scope' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...parts,
  };
}

export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

function generatedSpan(random: Random, owners: Pick<ReadableSpan, 'resource' | 'instrumentationScope'>): ReadableSpan {
  const context = generatedContext(random);
  const startTime: [number, number] = [1_734_000_000 + whole(random, 100_000), whole(random, 1e9)];
  const lasted = whole(random, 1e9);
  const code = whole(random, 3);
  const span = spanWith({
    ...owners,
    name: words(random),
    kind: whole(random, 5),
    spanContext: () => context,
    startTime,
    endTime: startTime[1] + lasted < 1e9 ? [startTime[0], startTime[1] + lasted] : [startTime[0] + 1, startTime[1]],
    status: code === 2 ? { code, message: words(random) } : { code },
    attributes: generatedAttributes(random),
    events: list(random, 4, () => generatedEvent(random, startTime)),
    links: list(random, 3, () => generatedLink(random)),
    droppedAttributesCount: whole(random, 3),
    droppedEventsCount: whole(random, 2),
    droppedLinksCount: whole(random, 2),
  });
  if (random() < 0.2) return span;
  const parent = { traceId: context.traceId, spanId: hex(random, 16), traceFlags: 1, isRemote: random() < 0.3 };
  return { ...span, parentSpanContext: parent };
}

function generatedEvent(random: Random, [seconds]: readonly [number, number]): ReadableSpan['events'][number] {
  return { time: [seconds, whole(random, 1e9)], name: words(random), attributes: generatedAttributes(random) };
}

function generatedLink(random: Random): ReadableSpan['links'][number] {
  const context = { ...generatedContext(random), isRemote: random() < 0.5 };
  return { context, attributes: generatedAttributes(random), droppedAttributesCount: whole(random, 2) };
}

function generatedContext(random: Random): SpanContext {
  const context = { traceId: hex(random, 32), spanId: hex(random, 16), traceFlags: whole(random, 2) };
  return random() < 0.3 ? { ...context, traceState: stateOf(`vendor=${hex(random, 8)},other=1`) } : context;
}

function stateOf(serialized: string): TraceState {
  const state: TraceState = { get: () => undefined, set: () => state, unset: () => state, serialize: () => serialized };
  return state;
}

function generatedResource(random: Random, index: number): ReadableSpan['resource'] {
  const attributes = { 'service.name': `service-${index}`, ...generatedAttributes(random) };
  return resourceFromAttributes(attributes, index % 2 === 0 ? { schemaUrl: `https://schema/${index}` } : {});
}

function generatedScope(index: number): ReadableSpan['instrumentationScope'] {
  const scope = { name: `scope-${index}` };
  if (index % 3 === 0) return scope;
  return { ...scope, version: `1.${index}.0`, schemaUrl: `https://scope/${index}` };
}

const values: readonly ((random: Random) => unknown)[] = [
  words,
  (random) => whole(random, 1e6) - 500_000,
  () => Number.MIN_SAFE_INTEGER,
  (random) => random() * 1e6,
  (random) => random() < 0.5,
  (random) => list(random, 5, () => words(random)),
  (random) => list(random, 5, () => whole(random, 1000)),
  (random) => Uint8Array.from({ length: whole(random, 40) }, () => whole(random, 256)),
  (random) => ({ nested: { list: [words(random), { deep: whole(random, 9) }, null] }, empty: {}, none: [] }),
  () => null,
  () => '',
];

function generatedAttributes(random: Random): Attributes {
  const attributes: Attributes = {};
  for (let left = whole(random, 12); left > 0; left--) {
    attributes[`key.${left}.${words(random)}`] = pick(random, values)(random);
  }
  return attributes;
}

const vocabulary = [
  'GET',
  '/cart',
  'Grüße',
  '日本語',
  '🛒',
  'e\u0301',
  '\u0000',
  '"quoted"',
  'x'.repeat(130),
  '\ufeff',
  '',
];

function words(random: Random): string {
  return list(random, 4, () => pick(random, vocabulary)).join(' ');
}

function whole(random: Random, below: number): number {
  return Math.floor(random() * below);
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[whole(random, from.length)] as T;
}

function list<T>(random: Random, below: number, item: () => T): T[] {
  return Array.from({ length: whole(random, below) }, item);
}
