import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { EncodeTracesOptions } from './encode.ts';
import { checkArguments, encodeEach, tooLarge } from './encode-each.ts';
import { resourceJson, scopeJson, spanJson, text } from './json-span.ts';
import { Walk } from './walk.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

/**
 * Spans as the body of an OTLP trace export request in JSON, in UTF-8.
 *
 * It says what {@link encodeTraces} says, in OTLP/JSON: 64-bit integers as strings, NaN and the infinities by their names, ids in hex,
 * enums as numbers, bytes in base64; what is 0 or empty is absent. -0 is the string `"-0"`, since `JSON.stringify` has no sign for it.
 *
 * **Order:** as in {@link encodeTraces}.
 *
 * **Loss:** as in {@link encodeTraces}.
 *
 * @throws SpanflowError as {@link encodeTraces} does.
 *
 * @example
 * ```ts
 * const { encodeTracesJson } = await import('spanflow/otlp');
 * const body = encodeTracesJson(spans);
 * const text = new TextDecoder().decode(body);
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeTracesJson(
  spans: readonly ReadableSpan[],
  options: EncodeTracesOptions = {},
): Uint8Array<ArrayBuffer> {
  checkArguments('encodeTracesJson', spans, options.onUnencodable);
  const request = new JsonRequest();
  encodeEach(spans, (span) => request.add(span), options.onUnencodable);
  try {
    return new TextEncoder().encode(JSON.stringify(request.message()));
  } catch (thrown) {
    // Everything is plain data by now: what is left is memory.
    throw tooLarge(thrown);
  }
}

interface ScopeGroup {
  readonly scope: object;
  readonly spans: object[];
  readonly schemaUrl: string | undefined;
}

interface ResourceGroup {
  readonly resource: object;
  readonly scopes: Map<Scope, ScopeGroup>;
  readonly schemaUrl: string | undefined;
}

class JsonRequest {
  readonly #walk = new Walk();
  readonly #groups = new Map<Resource, ResourceGroup>();

  /** @throws whatever the span throws: then the request is as it was before. */
  add(span: ReadableSpan): void {
    const json = spanJson(this.#walk, span);
    const resource = span.resource;
    const scope = span.instrumentationScope;
    const known = this.#groups.get(resource);
    // All that can throw comes first: a span that fails leaves no empty group behind.
    const group = known?.scopes.get(scope) ?? {
      scope: scopeJson(this.#walk, scope),
      spans: [],
      schemaUrl: text(scope.schemaUrl),
    };
    const owner = known ?? {
      resource: resourceJson(this.#walk, resource),
      scopes: new Map<Scope, ScopeGroup>(),
      schemaUrl: text(resource.schemaUrl),
    };
    if (known === undefined) this.#groups.set(resource, owner);
    if (group.spans.length === 0) owner.scopes.set(scope, group);
    group.spans.push(json);
  }

  /** The whole, as plain objects: `JSON.stringify` is fast on these. */
  message(): object {
    const resourceSpans = [...this.#groups.values()].map(({ resource, scopes, schemaUrl }) => ({
      resource,
      scopeSpans: [...scopes.values()],
      schemaUrl,
    }));
    return resourceSpans.length > 0 ? { resourceSpans } : {};
  }
}
