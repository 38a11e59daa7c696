import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { textOf } from './encode-field.ts';
import type { JsonEncoding } from './json-encoding.ts';
import { fieldName, writeText } from './json-field.ts';
import { writeSpan } from './json-span.ts';
import { writeAttributes } from './json-value.ts';
import { constant } from './json-writer.ts';
import { Pieces } from './pieces.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;

const RESOURCE = fieldName('resource');
const SCOPE_SPANS = fieldName('scopeSpans');
const SCOPE = fieldName('scope');
const SPANS = fieldName('spans');
const SCHEMA_URL = fieldName('schemaUrl');
const SCOPE_NAME = fieldName('name');
const SCOPE_VERSION = fieldName('version');

const REQUEST_START = constant('{"resourceSpans":');
const REQUEST_END = constant(']}');
const EMPTY_REQUEST = constant('{}');

const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What stands before and after the list that a resource or scope holds. */
interface Owner {
  readonly start: Pieces;
  readonly end: Pieces;
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
 * One request. Spans are written one after the other as they come, and remembered as pieces of their resource's and scope's lists;
 * since the body is a copy anyway, that is where the pieces are put in order.
 */
export class JsonRequest {
  readonly #encoding: JsonEncoding;
  readonly #groups = new Map<Resource, ResourceGroup>();
  /** The group of the last span, and most often of the next. */
  #last: ScopeGroup | undefined;

  constructor(encoding: JsonEncoding) {
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
      const { spans } = this.#groupOf(span.resource, span.instrumentationScope);
      if (spans.length === 0) writer.bytes[start] = OPEN_LIST;
      spans.add(start, end);
    } catch (thrown) {
      writer.at = start;
      throw thrown;
    }
  }

  /** The body, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const { writer } = this.#encoding;
    const body = new Pieces();
    const add = (bytes: Uint8Array) => {
      const start = writer.at;
      writer.raw(bytes);
      body.add(start, writer.at);
    };
    add(this.#groups.size === 0 ? EMPTY_REQUEST : REQUEST_START);
    for (const { start, scopes, end } of this.#groups.values()) {
      body.addAll(start);
      for (const group of scopes.values()) {
        body.addAll(group.start);
        body.addAll(group.spans);
        body.addAll(group.end);
      }
      body.addAll(end);
    }
    if (this.#groups.size > 0) add(REQUEST_END);
    return body.copiedFrom(writer.bytes);
  }

  #groupOf(resource: Resource, scope: Scope): ScopeGroup {
    const last = this.#last;
    if (last !== undefined && last.resource === resource && last.scope === scope) return last;
    const known = this.#groups.get(resource);
    // All that can throw comes first: a span that fails leaves no empty group behind.
    const group = known?.scopes.get(scope) ?? this.#newScope(resource, scope, known === undefined);
    const owner = known ?? this.#newResource(resource);
    this.#groups.set(resource, owner);
    owner.scopes.set(scope, group);
    this.#last = group;
    return group;
  }

  #newScope(resource: Resource, scope: Scope, isFirst: boolean): ScopeGroup {
    // The specification gives a scope attributes; the SDK's type does not have them, its serializers read them.
    const more = scope as { attributes?: unknown; droppedAttributesCount?: number };
    const { writer } = this.#encoding;
    const start = this.#start(isFirst, SCOPE, SPANS, () => {
      writeText(writer, SCOPE_NAME, textOf(scope.name));
      writeText(writer, SCOPE_VERSION, textOf(scope.version));
      writeAttributes(this.#encoding, more.attributes, SCOPE_DEPTH, more.droppedAttributesCount);
    });
    return { resource, scope, start, end: this.#end(scope.schemaUrl), spans: new Pieces() };
  }

  #newResource(resource: Resource): ResourceGroup {
    const more = resource as { droppedAttributesCount?: number };
    const start = this.#start(this.#groups.size === 0, RESOURCE, SCOPE_SPANS, () =>
      writeAttributes(this.#encoding, resource.attributes, RESOURCE_DEPTH, more.droppedAttributesCount),
    );
    return { start, end: this.#end(resource.schemaUrl), scopes: new Map() };
  }

  /** Up to the list: after others of its kind, the owner itself, and the name of the list. */
  #start(isFirst: boolean, name: Uint8Array, list: Uint8Array, writeOwner: () => void): Pieces {
    const { writer } = this.#encoding;
    const start = writer.at;
    this.#encoding.restart();
    writer.comma();
    writer.raw(name);
    const owner = writer.at;
    writeOwner();
    writer.closeObject(owner);
    writer.raw(list);
    if (isFirst) writer.bytes[start] = OPEN_LIST;
    writer.bytes[start + 1] = OPEN_OBJECT;
    return this.#piece(start);
  }

  /** From the end of the list on. */
  #end(schemaUrl: unknown): Pieces {
    const { writer } = this.#encoding;
    const start = writer.at;
    writer.byte(CLOSE_LIST);
    writeText(writer, SCHEMA_URL, textOf(schemaUrl));
    writer.byte(CLOSE_OBJECT);
    return this.#piece(start);
  }

  #piece(start: number): Pieces {
    const pieces = new Pieces();
    pieces.add(start, this.#encoding.writer.at);
    return pieces;
  }
}
