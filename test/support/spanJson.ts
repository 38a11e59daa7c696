// What the wire must carry for given spans, said a second time and without src: the expectation that both directions meet.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type {
  AnyValueJson,
  KeyValueJson,
  RequestJson,
  ResourceJson,
  ResourceSpansJson,
  ScopeSpansJson,
  SpanJson,
} from './otlpJson.ts';

type Scope = ReadableSpan['instrumentationScope'];
type SpanContext = ReturnType<ReadableSpan['spanContext']>;

export function requestJsonOf(spans: readonly ReadableSpan[]): RequestJson {
  const byResource = Map.groupBy(spans, (span) => span.resource);
  const resourceSpans = [...byResource].map(([resource, group]): ResourceSpansJson => {
    const byScope = Map.groupBy(group, (span) => span.instrumentationScope);
    return given({
      resource: ownerJson(resource),
      scopeSpans: [...byScope].map(([scope, members]) => scopeSpansJson(scope, members)),
      schemaUrl: resource.schemaUrl,
    });
  });
  return given({ resourceSpans });
}

function scopeSpansJson(scope: Scope, spans: readonly ReadableSpan[]): ScopeSpansJson {
  const { name, version, schemaUrl } = scope;
  return given({ scope: given({ name, version, ...ownerJson(scope) }), spans: spans.map(spanJson), schemaUrl });
}

export function spanJson(span: ReadableSpan): SpanJson {
  const context = span.spanContext();
  return given({
    traceId: context.traceId.toLowerCase(),
    spanId: context.spanId.toLowerCase(),
    traceState: context.traceState?.serialize(),
    parentSpanId: span.parentSpanContext?.spanId.toLowerCase(),
    name: span.name.toWellFormed(),
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    ...ownerJson(span),
    events: span.events.map((event) =>
      given({ timeUnixNano: nanos(event.time), name: event.name.toWellFormed(), ...ownerJson(event) }),
    ),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link) =>
      given({
        traceId: link.context.traceId,
        spanId: link.context.spanId,
        traceState: link.context.traceState?.serialize(),
        ...ownerJson(link),
        flags: flags(link.context, link.context.isRemote),
      }),
    ),
    droppedLinksCount: span.droppedLinksCount,
    status: given({ code: span.status.code, message: span.status.message?.toWellFormed() }),
    flags: flags(context, span.parentSpanContext?.isRemote),
  });
}

function flags({ traceFlags }: SpanContext, remote = false): number {
  return (traceFlags % 256) + (remote ? 768 : 256);
}

export function nanos([seconds, rest]: readonly [number, number]): string | undefined {
  const total = BigInt(seconds) * 10n ** 9n + BigInt(rest);
  return total === 0n ? undefined : String(total);
}

/** Scopes and resources carry more than their types say. */
export function ownerJson(owner: object): ResourceJson {
  const { attributes, droppedAttributesCount } = owner as { attributes?: object; droppedAttributesCount?: number };
  return given({ attributes: Object.entries(attributes ?? {}).map(keyValueJson), droppedAttributesCount });
}

function keyValueJson([key, value]: [string, unknown]): KeyValueJson {
  return { ...given({ key: key.toWellFormed() }), value: valueJson(value) };
}

export function valueJson(value: unknown): AnyValueJson {
  if (typeof value === 'string') return { stringValue: value.toWellFormed() };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') {
    return BigInt.asIntN(64, value) === value ? { intValue: `${value}` } : { stringValue: `${value}` };
  }
  if (typeof value === 'number') return numberJson(value);
  if (value === null || value === undefined) return {};
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: given({ values: itemsJson(value) }) };
  return { kvlistValue: given({ values: Object.entries(value).map(keyValueJson) }) };
}

/** Where one number is a double, all are. */
function itemsJson(items: unknown[]): AnyValueJson[] {
  const areDoubles = items.some((item) => typeof item === 'number' && numberJson(item).intValue === undefined);
  return Array.from(items, (item) => (areDoubles && typeof item === 'number' ? doubleJson(item) : valueJson(item)));
}

function numberJson(value: number): AnyValueJson {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? { intValue: `${value}` } : doubleJson(value);
}

function doubleJson(value: number): AnyValueJson {
  return { doubleValue: Number.isFinite(value) ? value : (`${value}` as 'NaN') };
}

export type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without what canonical OTLP/JSON leaves out. */
export function given<T extends object>(json: T): Given<T> {
  const kept = Object.entries(json).filter(([, value]) => {
    if (Array.isArray(value)) return value.length > 0;
    return value !== undefined && value !== '' && value !== 0;
  });
  return Object.fromEntries(kept) as Given<T>;
}
