import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Pieces } from '../../protobuf/bufferRanges.ts';
import { MAX_VARINT_BYTES, putLength, putVarint, varintBytes } from '../../protobuf/write.ts';
import { ByIdentity } from './byIdentity.ts';
import { type Owner, putAttributes } from './encodeAttributes.ts';
import { putTextField } from './encodeField.ts';
import { putSpan } from './encodeSpan.ts';
import type { Encoding } from './encoding.ts';
import { scopeOfSdk1 } from './sdk1.ts';

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

/** Room before a message for its tag and its length, which are known when all else is. */
const START_BYTES = 1 + MAX_VARINT_BYTES;

/** What has this scope, and stands in one place of the body. */
interface ScopeGroup {
  readonly resource: Resource;
  readonly scope: Scope;
  /** The scope and the spans. Before the first of them is room for what begins the message. */
  readonly content: Pieces;
  readonly schemaUrl: Piece;
}

interface ResourceGroup {
  /** Before it is room for what begins the message. */
  readonly head: Piece;
  readonly schemaUrl: Piece;
  readonly scopes: ByIdentity<Scope, ScopeGroup>;
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * One request. Spans are written one after the other as they come, behind the head of their resource or scope if they are its first,
 * and are put in order where the body is copied or sent.
 */
export class RequestEncoder {
  readonly #encoding: Encoding;
  readonly #groups = new ByIdentity<Resource, ResourceGroup>();
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
    const resource = span.resource;
    try {
      const scope = span.instrumentationScope ?? scopeOfSdk1(span);
      const last = this.#last;
      const isSame = last !== undefined && last.resource === resource && last.scope === scope;
      const group = isSame ? last : this.#groups.get(resource)?.scopes.get(scope);
      if (group === undefined) this.#addFirst(span, resource, scope);
      else this.#addTo(group, span);
    } catch (thrown) {
      this.#encoding.forgetIds();
      throw thrown;
    }
  }

  /** The body: pieces of the encoding's buffer. */
  finish(): Pieces {
    const body = new Pieces();
    for (const group of this.#groups.values) this.#addResourceSpans(body, group);
    return body;
  }

  #addTo(group: ScopeGroup, span: ReadableSpan): void {
    const start = this.#at;
    const end = putSpan(this.#encoding, start, span);
    group.content.add(start, end);
    this.#at = end;
    this.#last = group;
  }

  /** All that can throw comes first: a span that fails leaves no empty group behind. */
  #addFirst(span: ReadableSpan, resource: Resource, scope: Scope): void {
    const known = this.#groups.get(resource);
    const owner = known ?? this.#newResource(this.#at, resource);
    const group = this.#newScope(known === undefined ? owner.schemaUrl.end : this.#at, resource, scope);
    const start = group.content.end;
    const end = putSpan(this.#encoding, start, span);
    group.content.add(start, end);
    owner.scopes.add(scope, group);
    if (known === undefined) this.#groups.add(resource, owner);
    this.#at = end;
    this.#last = group;
  }

  #newResource(start: number, resource: Resource): ResourceGroup {
    const { droppedAttributesCount } = resource as { droppedAttributesCount?: number };
    const encoding = this.#encoding;
    const at = this.#begin(start, RESOURCE_SPANS_RESOURCE);
    const attributes = resource.attributes;
    const content = putAttributes(encoding, at + 2, RESOURCE_ATTRIBUTES, undefined, attributes, droppedAttributesCount);
    const end = putLength(encoding.out, at + 1, content);
    const urlEnd = putTextField(encoding.out, end, SCHEMA_URL, resource.schemaUrl);
    return { head: { start: at, end }, schemaUrl: { start: end, end: urlEnd }, scopes: new ByIdentity() };
  }

  #newScope(start: number, resource: Resource, scope: Scope): ScopeGroup {
    // The specification gives a scope attributes; the SDK's type does not have them, its serializers read them.
    const more = scope as { attributes?: object; droppedAttributesCount?: number };
    const encoding = this.#encoding;
    const { out } = encoding;
    const urlEnd = putTextField(out, start, SCHEMA_URL, scope.schemaUrl);
    const at = this.#begin(urlEnd, SCOPE_SPANS_SCOPE);
    const version = putTextField(out, at + 2, SCOPE_NAME, scope.name);
    const rest = putTextField(out, version, SCOPE_VERSION, scope.version);
    const { attributes, droppedAttributesCount } = more;
    const content = putAttributes(encoding, rest, SCOPE_ATTRIBUTES, undefined, attributes, droppedAttributesCount);
    const pieces = new Pieces();
    pieces.add(at, putLength(out, at + 1, content));
    return { resource, scope, content: pieces, schemaUrl: { start, end: urlEnd } };
  }

  /** Leaves room for the start of the message around, and says where its first field stands, of which the tag is written. */
  #begin(start: number, tag: number): number {
    const at = start + START_BYTES;
    this.#encoding.restart();
    this.#encoding.out.room(at, 0)[at] = tag;
    return at;
  }

  #addResourceSpans(body: Pieces, { head, scopes, schemaUrl }: ResourceGroup): void {
    let length = lengthOf(head) + lengthOf(schemaUrl);
    for (const group of scopes.values) {
      const inside = group.content.length + lengthOf(group.schemaUrl);
      length += 1 + varintBytes(inside) + inside;
    }
    this.#addStart(body, REQUEST_RESOURCE_SPANS, length, head.start);
    body.add(head.start, head.end);
    for (const { content, schemaUrl } of scopes.values) {
      this.#addStart(body, RESOURCE_SPANS_SCOPE_SPANS, content.length + lengthOf(schemaUrl), content.start);
      body.addAll(content);
      body.add(schemaUrl.start, schemaUrl.end);
    }
    body.add(schemaUrl.start, schemaUrl.end);
  }

  /** Tag and length of a message, right before its first field. */
  #addStart(body: Pieces, tag: number, length: number, end: number): void {
    const { bytes } = this.#encoding.out;
    const start = end - 1 - varintBytes(length);
    bytes[start] = tag;
    putVarint(bytes, start + 1, length);
    body.add(start, end);
  }
}

function lengthOf({ start, end }: Piece): number {
  return end - start;
}
