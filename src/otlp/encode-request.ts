import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { missingOf, writeCount, writeText } from './encode-field.ts';
import { writeSpan } from './encode-span.ts';
import { writeAttributes } from './encode-value.ts';
import type { Encoding } from './encoding.ts';
import { Pieces } from './pieces.ts';
import { varintBytes } from './writer.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;

// The fields of opentelemetry.proto.trace.v1, resource.v1 and common.v1 that are written here.
const REQUEST_RESOURCE_SPANS = 0x0a;
const RESOURCE_SPANS_RESOURCE = 0x0a;
const RESOURCE_SPANS_SCOPE_SPANS = 0x12;
const SCOPE_SPANS_SCOPE = 0x0a;
const SCHEMA_URL = 0x1a;
const RESOURCE_ATTRIBUTES = 0x0a;
const RESOURCE_DROPPED_ATTRIBUTES = 0x10;
const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;
const SCOPE_ATTRIBUTES = 0x1a;
const SCOPE_DROPPED_ATTRIBUTES = 0x20;

/** A resource or scope, as a field of the message that also holds what it owns. */
interface Owner {
  readonly head: Pieces;
  readonly schemaUrl: Pieces;
}

interface ScopeGroup extends Owner {
  readonly resource: Resource;
  readonly scope: Scope;
  readonly spans: Pieces;
}

interface ResourceGroup extends Owner {
  readonly scopes: Map<Scope, ScopeGroup>;
}

/**
 * One request. Spans are written one after the other as they come, and remembered as pieces of their resource's and scope's messages;
 * since the body is a copy anyway, that is where the pieces are put in order.
 */
export class RequestEncoder {
  readonly #encoding: Encoding;
  readonly #groups = new Map<Resource, ResourceGroup>();
  /** The group of the last span, and most often of the next. */
  #last: ScopeGroup | undefined;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    encoding.writer.reset();
  }

  /** @throws whatever the span throws: then the request is as it was before. */
  add(span: ReadableSpan): void {
    const { writer } = this.#encoding;
    const start = writer.at;
    try {
      writeSpan(this.#encoding, span);
      const end = writer.at;
      this.#groupOf(span.resource, span.instrumentationScope).spans.add(start, end);
    } catch (thrown) {
      writer.at = start;
      throw thrown;
    }
  }

  /** The body, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const body = new Pieces();
    for (const group of this.#groups.values()) this.#addResourceSpans(body, group);
    return body.copiedFrom(this.#encoding.writer.bytes);
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
    const more = scope as { attributes?: unknown; droppedAttributesCount?: number };
    const { writer } = this.#encoding;
    const head = this.#message(SCOPE_SPANS_SCOPE, () => {
      writeText(writer, SCOPE_NAME, scope.name);
      writeText(writer, SCOPE_VERSION, scope.version);
      const leftOut = writeAttributes(this.#encoding, SCOPE_ATTRIBUTES, more.attributes, SCOPE_DEPTH);
      writeCount(writer, SCOPE_DROPPED_ATTRIBUTES, missingOf(more.droppedAttributesCount, leftOut));
    });
    return { resource, scope, head, schemaUrl: this.#schemaUrl(scope.schemaUrl), spans: new Pieces() };
  }

  #newResource(resource: Resource): ResourceGroup {
    const more = resource as { droppedAttributesCount?: number };
    const head = this.#message(RESOURCE_SPANS_RESOURCE, () => {
      const leftOut = writeAttributes(this.#encoding, RESOURCE_ATTRIBUTES, resource.attributes, RESOURCE_DEPTH);
      writeCount(this.#encoding.writer, RESOURCE_DROPPED_ATTRIBUTES, missingOf(more.droppedAttributesCount, leftOut));
    });
    return { head, schemaUrl: this.#schemaUrl(resource.schemaUrl), scopes: new Map() };
  }

  #message(tag: number, writeContent: () => void): Pieces {
    const { writer } = this.#encoding;
    const pieces = new Pieces();
    const start = writer.at;
    this.#encoding.restart();
    writer.byte(tag);
    const content = writer.open(1);
    writeContent();
    writer.close(content, 1);
    pieces.add(start, writer.at);
    return pieces;
  }

  #schemaUrl(url: unknown): Pieces {
    const { writer } = this.#encoding;
    const pieces = new Pieces();
    const start = writer.at;
    writeText(writer, SCHEMA_URL, url);
    pieces.add(start, writer.at);
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
    const { writer } = this.#encoding;
    const start = writer.at;
    writer.byte(tag);
    writer.varint(length);
    body.add(start, writer.at);
  }
}

function lengthOf({ head, spans, schemaUrl }: ScopeGroup): number {
  return head.length + spans.length + schemaUrl.length;
}
