import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Owner, putAttributes } from './encode-attributes.ts';
import { FIELD_BYTES, putTextField } from './encode-field.ts';
import { putSpan } from './encode-span.ts';
import type { Encoding } from './encoding.ts';
import { Pieces } from './pieces.ts';
import { putLength, putVarint, varintBytes } from './put.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

// The fields of opentelemetry.proto.trace.v1, resource.v1 and common.v1 that are written here.
const REQUEST_RESOURCE_SPANS = 0x0a;
const RESOURCE_SPANS_RESOURCE = 0x0a;
const RESOURCE_SPANS_SCOPE_SPANS = 0x12;
const SCOPE_SPANS_SCOPE = 0x0a;
const SCHEMA_URL = 0x1a;
const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;
const RESOURCE_ATTRIBUTES: Owner = { tag: 0x0a, depth: 4 };
const SCOPE_ATTRIBUTES: Owner = { tag: 0x1a, depth: 5 };

/** A resource or scope, as a field of the message that also holds what it owns. */
interface Head {
  readonly head: Pieces;
  readonly schemaUrl: Pieces;
}

interface ScopeGroup extends Head {
  readonly resource: Resource;
  readonly scope: Scope;
  readonly spans: Pieces;
}

interface ResourceGroup extends Head {
  readonly scopes: Map<Scope, ScopeGroup>;
}

/**
 * One request. Spans are written one after the other as they come, and remembered as pieces of their resource's and scope's messages:
 * where they are copied or sent, they are put in order.
 */
export class RequestEncoder {
  readonly #encoding: Encoding;
  readonly #groups = new Map<Resource, ResourceGroup>();
  /** The group of the last span, and most often of the next. */
  #last: ScopeGroup | undefined;

  /** Where the next piece begins. */
  #at = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    encoding.begin();
  }

  /** @throws whatever the span throws: then the request is as it was before. */
  add(span: ReadableSpan): void {
    const start = this.#at;
    try {
      const end = putSpan(this.#encoding, start, span);
      this.#at = end;
      this.#groupOf(span.resource, span.instrumentationScope).spans.add(start, end);
    } catch (thrown) {
      this.#at = start;
      this.#encoding.forgetIds();
      throw thrown;
    }
  }

  /** The body: pieces of the encoding's buffer. */
  finish(): Pieces {
    const body = new Pieces();
    for (const group of this.#groups.values()) this.#addResourceSpans(body, group);
    return body;
  }

  #groupOf(resource: Resource, scope: Scope): ScopeGroup {
    const last = this.#last;
    if (last !== undefined && last.resource === resource && last.scope === scope) return last;
    const known = this.#groups.get(resource);
    // All that can throw comes first: a span that fails leaves no empty group behind.
    const group = known?.scopes.get(scope) ?? this.#newScope(resource, scope);
    const owner = known ?? this.#newResource(resource);
    this.#groups.set(resource, owner);
    owner.scopes.set(scope, group);
    this.#last = group;
    return group;
  }

  #newScope(resource: Resource, scope: Scope): ScopeGroup {
    // The specification gives a scope attributes; the SDK's type does not have them, its serializers read them.
    const more = scope as {
      attributes?: object;
      droppedAttributesCount?: number;
    };
    const { out } = this.#encoding;
    const head = this.#message(SCOPE_SPANS_SCOPE, (start) => {
      const at = putTextField(out, putTextField(out, start, SCOPE_NAME, scope.name), SCOPE_VERSION, scope.version);
      return putAttributes(
        this.#encoding,
        at,
        SCOPE_ATTRIBUTES,
        undefined,
        more.attributes,
        more.droppedAttributesCount,
      );
    });
    return {
      resource,
      scope,
      head,
      schemaUrl: this.#schemaUrl(scope.schemaUrl),
      spans: new Pieces(),
    };
  }

  #newResource(resource: Resource): ResourceGroup {
    const { droppedAttributesCount } = resource as {
      droppedAttributesCount?: number;
    };
    const head = this.#message(RESOURCE_SPANS_RESOURCE, (start) =>
      putAttributes(this.#encoding, start, RESOURCE_ATTRIBUTES, undefined, resource.attributes, droppedAttributesCount),
    );
    return {
      head,
      schemaUrl: this.#schemaUrl(resource.schemaUrl),
      scopes: new Map(),
    };
  }

  #message(tag: number, putContent: (start: number) => number): Pieces {
    const { out } = this.#encoding;
    const start = this.#at;
    this.#encoding.restart();
    out.room(start, FIELD_BYTES)[start] = tag;
    return this.#piece(putLength(out, start + 1, putContent(start + 2)));
  }

  #schemaUrl(url: unknown): Pieces {
    return this.#piece(putTextField(this.#encoding.out, this.#at, SCHEMA_URL, url));
  }

  /** What was written from where the next piece begins. */
  #piece(end: number): Pieces {
    const pieces = new Pieces();
    pieces.add(this.#at, end);
    this.#at = end;
    return pieces;
  }

  #addResourceSpans(body: Pieces, { head, scopes, schemaUrl }: ResourceGroup): void {
    let length = head.length + schemaUrl.length;
    for (const group of scopes.values()) {
      const inside = lengthOf(group);
      length += 1 + varintBytes(inside) + inside;
    }
    this.#addStart(body, REQUEST_RESOURCE_SPANS, length);
    body.addAll(head);
    for (const group of scopes.values()) {
      this.#addStart(body, RESOURCE_SPANS_SCOPE_SPANS, lengthOf(group));
      body.addAll(group.head);
      body.addAll(group.spans);
      body.addAll(group.schemaUrl);
    }
    body.addAll(schemaUrl);
  }

  /** Tag and length of a message. */
  #addStart(body: Pieces, tag: number, length: number): void {
    const start = this.#at;
    const bytes = this.#encoding.out.room(start, FIELD_BYTES);
    bytes[start] = tag;
    this.#at = putVarint(bytes, start + 1, length);
    body.add(start, this.#at);
  }
}

function lengthOf({ head, spans, schemaUrl }: ScopeGroup): number {
  return head.length + spans.length + schemaUrl.length;
}
