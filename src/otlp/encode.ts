import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InvalidOptionError, messageOf, SpanflowError, shown } from '../errors.ts';
import { resourceMessage, scopeMessage, spanMessage } from './encode-span.ts';
import { text, type ValueWalk, valueWalk } from './encode-value.ts';
import type { ResourceSpansMessage, ScopeSpansMessage, TraceRequestMessage } from './messages.ts';
import { traceRequest } from './schema.ts';

export interface EncodeTracesOptions {
  /**
   * Told of each span that OTLP cannot hold, with a `SpanflowError` of code `UNENCODABLE`; the other spans are encoded.
   * Without it (the default) the first such span makes the call throw, so that none is left out unseen.
   * What this callback itself throws is ignored: it must not cost the other spans.
   */
  readonly onUnencodable?: (span: ReadableSpan, error: SpanflowError) => void;
}

/**
 * Spans as the body of an OTLP trace export request (protobuf).
 *
 * Every value that a span can hold goes out exactly: nanoseconds, int64, bytes, NaN. What OTLP has no form for (a function, a
 * symbol) is left out and counted in `dropped_attributes_count`; lone surrogates become U+FFFD. A span is unencodable where it
 * cannot be told at all: circular or too deeply nested values, ids that are not hex of the right length, times that are not finite
 * or lie before 1970, more than 262,144 values or 64 Mi characters in one span, a getter that throws, a resource or scope for which
 * any of this holds.
 *
 * **Order:** resources and scopes (each by identity) in the order of their first span; spans in their own order inside.
 *
 * **Loss:** none without {@link EncodeTracesOptions.onUnencodable}; with it, exactly the spans that it is told of.
 *
 * @throws SpanflowError `UNENCODABLE`, naming the span and the reason, and, callback or not, where the request as a whole does not
 * fit into memory; `INVALID_OPTION` for arguments of the wrong kind.
 *
 * @example
 * ```ts
 * const body = encodeTraces(spans, { onUnencodable: (span, error) => console.warn(error.message) });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function encodeTraces(
  spans: readonly ReadableSpan[],
  options: EncodeTracesOptions = {},
): Uint8Array<ArrayBuffer> {
  if (!Array.isArray(spans)) throw new InvalidOptionError('encodeTraces.spans', 'an array of spans', spans);
  const onUnencodable = options.onUnencodable;
  if (onUnencodable !== undefined && typeof onUnencodable !== 'function') {
    throw new InvalidOptionError('encodeTraces.onUnencodable', 'a function', onUnencodable);
  }
  return bytesOf(requestOf(spans, onUnencodable));
}

function bytesOf(request: TraceRequestMessage): Uint8Array<ArrayBuffer> {
  try {
    return traceRequest.encode(request);
  } catch (thrown) {
    // Every message holds plain data by now: what is left is memory.
    throw new SpanflowError('UNENCODABLE', `the request cannot be encoded: ${messageOf(thrown)}`, { cause: thrown });
  }
}

interface ResourceGroup {
  readonly message: ResourceSpansMessage;
  readonly scopes: Map<ReadableSpan['instrumentationScope'], ScopeSpansMessage>;
}

type Groups = Map<ReadableSpan['resource'], ResourceGroup>;

function requestOf(
  spans: readonly ReadableSpan[],
  onUnencodable: EncodeTracesOptions['onUnencodable'],
): TraceRequestMessage {
  const request: TraceRequestMessage = { resourceSpans: [] };
  const groups: Groups = new Map();
  const walk = valueWalk();
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index] as ReadableSpan;
    try {
      place(span, request, groups, walk);
    } catch (thrown) {
      const error = unencodable(span, index, thrown);
      if (onUnencodable === undefined) throw error;
      report(onUnencodable, span, error);
    }
  }
  return request;
}

/** All that can throw comes first: a span that fails leaves no empty group behind. */
function place(span: ReadableSpan, request: TraceRequestMessage, groups: Groups, walk: ValueWalk): void {
  const message = spanMessage(span, walk);
  const resource = span.resource;
  const scope = span.instrumentationScope;
  const known = groups.get(resource);
  const scopeSpans = known?.scopes.get(scope) ?? {
    scope: scopeMessage(scope, walk),
    spans: [],
    schemaUrl: text(scope.schemaUrl),
  };
  const group: ResourceGroup = known ?? {
    message: { resource: resourceMessage(resource, walk), scopeSpans: [], schemaUrl: text(resource.schemaUrl) },
    scopes: new Map(),
  };
  if (known === undefined) {
    groups.set(resource, group);
    request.resourceSpans.push(group.message);
  }
  if (scopeSpans.spans.length === 0) {
    group.scopes.set(scope, scopeSpans);
    group.message.scopeSpans.push(scopeSpans);
  }
  scopeSpans.spans.push(message);
}

function unencodable(span: ReadableSpan, index: number, thrown: unknown): SpanflowError {
  const message = `span ${index}${nameOf(span)} cannot be encoded: ${messageOf(thrown)}`;
  return new SpanflowError('UNENCODABLE', message, { cause: thrown });
}

function nameOf(span: ReadableSpan): string {
  try {
    return ` ${shown(span.name)}`;
  } catch {
    return '';
  }
}

function report(
  onUnencodable: NonNullable<EncodeTracesOptions['onUnencodable']>,
  span: ReadableSpan,
  error: SpanflowError,
): void {
  try {
    onUnencodable(span, error);
  } catch {
    // See the option: the remaining spans matter more.
  }
}
