import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ChangedSpan, type SpanChanges } from './changedSpan.ts';
import { READ_ALL, ReceivedItem } from './received.ts';

/**
 * One attribute of a span or a log record: what `span.attributes[key]` is, for less. `span.attributes` of a received span reads all attributes of the
 * span from the bytes of its request, once; this reads the one that is asked for, each time, and makes no object. Ask it in filters and routes that look at a few
 * attributes of spans that are then passed on. A value that is a list or a map is read with all others.
 *
 * @param item a span or a log record: one that `otlpReceiver` or `viewTraces` received, one that `redact` or `enrich` changed, or any other
 * @param key the name of the attribute
 * @returns its value; `undefined` where it has none of this name, also where every object inherits one, as it does of `constructor`
 *
 * @example
 * ```ts
 * const { attributeOf } = await import('spanflow/processors');
 * const { viewTraces } = await import('spanflow/otlp');
 * const spans = viewTraces(await readFile('spans.otlp'));
 * const kept = spans.filter((span) => attributeOf(span, 'http.route') !== '/healthz');
 * ```
 *
 * @see {@link viewTraces}
 */
export function attributeOf(item: { readonly attributes: Attributes }, key: string): unknown {
  const changes = ChangedSpan.changesOf(item);
  if (changes !== undefined) return ofChanged(ChangedSpan.originalOf(item) as ReadableSpan, changes, key);
  const alone = ReceivedItem.attributeOf(item, key);
  return alone === READ_ALL ? own(item.attributes, key) : alone;
}

function ofChanged(original: ReadableSpan, { attributes, added }: SpanChanges, key: string): unknown {
  if (added !== undefined && Object.hasOwn(added, key)) return added[key];
  return attributes === undefined ? attributeOf(original, key) : own(attributes, key);
}

function own(attributes: Attributes, key: string): unknown {
  return Object.hasOwn(attributes, key) ? attributes[key] : undefined;
}
