// What the program of each language makes with its SDK, said once: the programs say only what chance and the clock have made of it.

import type { SignalName } from '../../../src/model/signal.ts';
import { given, ownerJson, valueJson } from '../../support/spanJson.ts';
import { type Content, type Entry, entryOf, type Item } from '../entry.ts';

/** What a program prints as JSON when everything is sent: ids in hex, times in nanoseconds. */
export interface Printed {
  /** Of the span that has no parent. */
  readonly rootTraceId: string;
  /** Those of that span: some SDKs mark ids that they have drawn at random, as Level 2 of W3C Trace Context has it. */
  readonly rootTraceFlags: number;
  /** The id of each span, by its name. */
  readonly spans: Readonly<Record<string, string>>;
  /** Start and end of each point, by the name of its metric and its shop, as in `orders a`. */
  readonly points: Readonly<Record<string, readonly [start: string, end: string]>>;
  /** When the exemplar of `spanned` was measured. Left out: the SDK has no exemplars. */
  readonly exemplar?: string;
}

/** In what an SDK differs, each for a reason that is its own. */
export interface Abilities {
  /** It tells doubles from integers, and has integers of 64 bits. */
  readonly hasInt64: boolean;
  /** It sends the trace flags of spans and links, not only whether their parents are remote. */
  readonly sendsTraceFlags: boolean;
  /** It sends the trace state of links. */
  readonly sendsLinkTraceState: boolean;
}

const REMOTE_TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const REMOTE_SPAN_ID = 'b7ad6b7169203331';
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const SAMPLED = 1;

const OWNERS = {
  resource: ownerJson({ attributes: { 'service.name': 'shop', 'host.cpus': 2, list: ['a', 'b'] } }),
  resourceSchemaUrl: 'https://schemas.example/resource',
  scope: { name: 'checkout', version: '1.2.3' },
  scopeSchemaUrl: 'https://schemas.example/checkout',
};

const ATTRIBUTES = {
  ...{ text: 'Grüße 🛒', empty: '', whole: 42, negative: -7, large: Number.MAX_SAFE_INTEGER, part: 0.5 },
  ...{ yes: true, no: false, words: ['a', ''], numbers: [1, -2], parts: [0.5, 1.5], flags: [true, false] },
};
/** A whole double of an attribute is read as an integer: `src/otlp/README.md`. */
const OF_64_BITS = { largest: 2n ** 63n - 1n, 'whole double': 2 };

/** The items of each signal, as they have to arrive. */
export function madeEntries(printed: Printed, abilities: Abilities): Readonly<Record<SignalName, Entry[]>> {
  const entries = (signal: SignalName, contents: readonly Omit<Content, keyof typeof OWNERS>[]) =>
    contents.map((content) => entryOf(signal, { ...OWNERS, ...content }));
  return {
    traces: entries(
      'traces',
      spans(printed, abilities).map((item) => ({ item })),
    ),
    logs: entries(
      'logs',
      records(printed, abilities).map((item) => ({ item })),
    ),
    metrics: entries('metrics', points(printed)),
  };
}

/** Nanoseconds after a moment that all programs know. */
function at(seconds: number): string {
  return `${1_700_000_000n + BigInt(seconds)}000000001`;
}

function attributesOf({ hasInt64 }: Abilities): object {
  return ownerJson({ attributes: hasInt64 ? { ...ATTRIBUTES, ...OF_64_BITS } : ATTRIBUTES });
}

function spans(printed: Printed, abilities: Abilities): Item[] {
  const { rootTraceId, rootTraceFlags, spans: ids } = printed;
  const traceId = REMOTE_TRACE_ID;
  const traceFlags = abilities.sendsTraceFlags ? SAMPLED : 0;
  const flags = HAS_IS_REMOTE + traceFlags;
  const fromRemote = flags + IS_REMOTE;
  const traceState = 'vendor=1';
  const inTrace = (name: string) => ({ traceId, spanId: ids[name] as string, name, traceState });
  const linkTraceState = abilities.sendsLinkTraceState && { traceState };
  const link = { traceId, spanId: ids['POST /orders'], ...linkTraceState, flags };
  return [
    {
      ...inTrace('POST /orders'),
      ...{ parentSpanId: REMOTE_SPAN_ID, kind: 2, startTimeUnixNano: at(1), endTimeUnixNano: at(9) },
      ...attributesOf(abilities),
      ...{ status: {}, flags: fromRemote },
    } as Item,
    {
      ...inTrace('SELECT'),
      ...{ parentSpanId: ids['POST /orders'], kind: 3, startTimeUnixNano: at(2), endTimeUnixNano: at(8) },
      events: [
        { timeUnixNano: at(3), name: 'retry', ...attributesOf(abilities) },
        { timeUnixNano: at(4), name: 'bare' },
      ],
      links: [
        {
          ...{ traceId, spanId: REMOTE_SPAN_ID, ...linkTraceState, flags: fromRemote },
          ...ownerJson({ attributes: { why: 'retry' } }),
        },
        link,
      ],
      ...{ status: { code: 2, message: 'gone 🛒' }, flags },
    } as Item,
    {
      ...inTrace('publish'),
      ...{ parentSpanId: ids.SELECT, kind: 4, startTimeUnixNano: at(5), endTimeUnixNano: at(6) },
      // Three of each were made, and two are the limit.
      ...{ events: Array(2).fill({ timeUnixNano: at(5), name: 'same' }), droppedEventsCount: 1 },
      ...{ links: [link, link], droppedLinksCount: 1 },
      ...{ status: { code: 1 }, flags },
    } as Item,
    {
      ...{ traceId: rootTraceId, spanId: ids.root as string, name: 'root', kind: 1 },
      ...{ startTimeUnixNano: at(7), endTimeUnixNano: at(7), status: {} },
      flags: HAS_IS_REMOTE + (abilities.sendsTraceFlags ? rootTraceFlags : 0),
    } as Item,
  ];
}

function records({ spans: ids }: Printed, abilities: Abilities): Item[] {
  const times = (seconds: number) => ({ timeUnixNano: at(seconds), observedTimeUnixNano: at(seconds + 100) });
  const record = (seconds: number, body: unknown, rest: object) =>
    ({ ...times(seconds), body: valueJson(body), ...rest }) as Item;
  return [
    record(1, 'an order came in', {
      ...{ severityNumber: 9, severityText: 'INFO', ...attributesOf(abilities) },
      ...{ flags: SAMPLED, traceId: REMOTE_TRACE_ID, spanId: ids['POST /orders'] },
    }),
    record(2, { cart: ['a', 1], inner: { deep: true }, bytes: Uint8Array.of(0, 255) }, { severityNumber: 21 }),
    record(3, undefined, { eventName: 'cart.opened' }),
    record(4, 42, { severityNumber: 1 }),
    record(5, 0.5, { severityNumber: 5 }),
    record(6, true, { severityNumber: 17, severityText: '' }),
  ].map((item) => given(item) as Item);
}

const COUNTED = { aggregationTemporality: 2, isMonotonic: true };

function points({ points: times, spans: ids, exemplar }: Printed): Pick<Content, 'metric' | 'item'>[] {
  const point = (metric: { name: string; unit: string }, data: object, values: object, ...shop: string[]): Content => {
    const [start, end] = times[[metric.name, ...shop].join(' ')] ?? [];
    const startTimeUnixNano = start === '0' ? undefined : start;
    const item = { ...given({ startTimeUnixNano, timeUnixNano: end }), ...values } as Item;
    const described = { description: 'Grüße 🛒', ...metric, ...data };
    return { metric: described, item };
  };
  const number = (name: string, unit: string, data: object, value: object) => point({ name, unit }, data, value);
  const orders = (asInt: string, attributes: { shop: string; cpus?: number }) => {
    const values = { asInt, ...ownerJson({ attributes }) };
    return point({ name: 'orders', unit: '{order}' }, { sum: COUNTED }, values, attributes.shop);
  };
  const extremes = (sum: number, min: number, max: number) => ({ sum, min, max });
  return [
    orders('42', { shop: 'a' }),
    orders(`${2 ** 40}`, { shop: 'b', cpus: 2 }),
    number('revenue', 'EUR', { sum: COUNTED }, { asDouble: 0.75 }),
    number(
      'spanned',
      '1',
      { sum: COUNTED },
      {
        asInt: '7',
        // It was measured in a span.
        ...(exemplar !== undefined && {
          exemplars: [
            { timeUnixNano: exemplar, asInt: '7', traceId: REMOTE_TRACE_ID, spanId: ids['POST /orders'] as string },
          ],
        }),
      },
    ),
    number('open', '1', { sum: { aggregationTemporality: 2 } }, { asInt: '-3' }),
    number('load', '1', { gauge: {} }, { asDouble: 0.75 }),
    number('queue', '1', { gauge: {} }, { asInt: '17' }),
    number('uptime', 's', { sum: COUNTED }, { asInt: `${2 ** 41}` }),
    point(
      { name: 'duration', unit: 'ms' },
      { histogram: { aggregationTemporality: 2 } },
      {
        ...{ count: '3', bucketCounts: ['1', '1', '0', '1'], explicitBounds: [1, 10, 100] },
        ...extremes(1_010.75, 0.5, 1_000.25),
      },
    ),
    point(
      { name: 'size', unit: 'By' },
      { exponentialHistogram: { aggregationTemporality: 2 } },
      {
        ...{ count: '4', zeroCount: '1', positive: exponential([1, 2, 4]), negative: {}, scale: SCALE },
        ...extremes(7, 0, 4),
      },
    ),
  ];
}

/** The finest at which 1, 2 and 4 are within the 160 buckets that SDKs have by default. */
const SCALE = 6;

/** Buckets of the given powers of two: the one of index `i` ends at `2 ** ((i + 1) / 2 ** SCALE)`, as the specification has it. */
function exponential(values: readonly number[]): object {
  const indices = values.map((value) => Math.log2(value) * 2 ** SCALE - 1);
  const offset = Math.min(...indices);
  const counts = Array.from({ length: Math.max(...indices) - offset + 1 }, (_, index) =>
    indices.includes(index + offset) ? '1' : '0',
  );
  return { offset, bucketCounts: counts };
}
