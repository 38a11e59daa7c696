import { Buffer } from 'node:buffer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { OutOfMemory } from '../../protobuf/outputBuffer.ts';
import { putBytes } from '../../protobuf/write.ts';
import { textOf } from '../../traces/encode/encodeField.ts';
import { scopeOfSdk1 } from '../../traces/encode/sdk1.ts';
import type { JsonEncoding } from './jsonEncoding.ts';
import { fieldName, putTextField } from './jsonField.ts';
import { COMMA, closeObject, OPEN_LIST, OPEN_OBJECT } from './jsonPut.ts';
import { putSpan } from './jsonSpan.ts';
import { putAttributes } from './jsonValue.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;

const RESOURCE = fieldName('resource');
const SCOPE_SPANS = fieldName('scopeSpans');
const SCOPE = fieldName('scope');
const SPANS = fieldName('spans');
const SCOPE_NAME = fieldName('name');
const SCOPE_VERSION = fieldName('version');

/** A text with the value of one byte in each character. */
const BYTE_EACH = 'latin1';
const LIST_END = ']}';
/** That many bytes are made a text at once. */
const MAX_PENDING_BYTES = 32 * 1024;

interface ScopeGroup {
  readonly resource: Resource;
  readonly scope: Scope;
  /** What begins it, and its spans. */
  readonly texts: string[];
  readonly end: string;
}

interface ResourceGroup {
  readonly scopes: Map<Scope, ScopeGroup>;
  readonly end: string;
}

/**
 * One request. Spans are written one after the other as they come, the first of a resource or scope behind that, and are put in order
 * where the body is made.
 *
 * Until then their bytes are held as texts of one character each. Texts are garbage of the engine's heap, and a heap that has some is
 * collected early and cheaply, former bodies with it. Bodies alone, which lie outside the heap, bring on full collections: a large
 * buffer instead of texts made encoding dearer by a fifth to two fifths, most of it on the collector's threads.
 */
export class JsonRequest {
  readonly #encoding: JsonEncoding;
  readonly #groups = new Map<Resource, ResourceGroup>();
  /** The group of the last span, and most often of the next. What is written and no text yet belongs to it. */
  #last: ScopeGroup | undefined;
  /** How many bytes are written and no text yet. */
  #pending = 0;

  constructor(encoding: JsonEncoding) {
    this.#encoding = encoding;
    encoding.begin();
  }

  /** @throws whatever the span throws: then the request is as it was before. */
  add(span: ReadableSpan): void {
    try {
      const { resource } = span;
      const scope = span.instrumentationScope ?? scopeOfSdk1(span);
      const group = this.#find(resource, scope);
      if (group !== this.#last || this.#pending > MAX_PENDING_BYTES) this.#flush();
      if (group === undefined) {
        this.#last = this.#addFirst(span, resource, scope);
      } else {
        this.#pending = putSpan(this.#encoding, this.#pending, span);
        this.#last = group;
      }
    } catch (thrown) {
      this.#encoding.forgetIds();
      throw thrown;
    }
  }

  /** The body, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#flush();
    if (this.#groups.size === 0) return bodyOf(['{}']);
    const texts = ['{"resourceSpans":'];
    for (const { scopes, end } of this.#groups.values()) {
      for (const group of scopes.values()) {
        for (const text of group.texts) texts.push(text);
        texts.push(group.end);
      }
      texts.push(end);
    }
    texts.push(LIST_END);
    return bodyOf(texts);
  }

  #flush(): void {
    if (this.#pending === 0) return;
    this.#last?.texts.push(textOfBytes(this.#encoding.out, this.#pending));
    this.#pending = 0;
    this.#encoding.forgetIds();
  }

  #find(resource: Resource, scope: Scope): ScopeGroup | undefined {
    const last = this.#last;
    if (last !== undefined && last.resource === resource && last.scope === scope) return last;
    return this.#groups.get(resource)?.scopes.get(scope);
  }

  /** There is nothing pending. */
  #addFirst(span: ReadableSpan, resource: Resource, scope: Scope): ScopeGroup {
    const known = this.#groups.get(resource);
    // All that can throw comes first: a span that fails leaves no empty group behind.
    const spans = this.#putScope(known === undefined ? this.#putResource(resource) : 0, scope, known === undefined);
    const end = putSpan(this.#encoding, spans, span);
    const group = { resource, scope, texts: [], end: endOf(scope.schemaUrl) };
    const owner = known ?? { scopes: new Map<Scope, ScopeGroup>(), end: endOf(resource.schemaUrl) };
    this.#encoding.out.bytes[spans] = OPEN_LIST;
    this.#groups.set(resource, owner);
    owner.scopes.set(scope, group);
    this.#pending = end;
    return group;
  }

  /** Up to the list of its scopes. */
  #putResource(resource: Resource): number {
    const { out } = this.#encoding;
    const { droppedAttributesCount } = resource as { droppedAttributesCount?: number };
    this.#encoding.restart();
    const owner = putBytes(out, 1, RESOURCE);
    const end = putAttributes(this.#encoding, owner, resource.attributes, droppedAttributesCount, RESOURCE_DEPTH);
    const at = putBytes(out, closeObject(out, owner, end), SCOPE_SPANS);
    return opened(out, 0, this.#groups.size === 0, at);
  }

  /** Up to the list of its spans. */
  #putScope(start: number, scope: Scope, isFirst: boolean): number {
    // The specification gives a scope attributes; the SDK's type does not have them, its serializers read them.
    const more = scope as { attributes?: object; droppedAttributesCount?: number };
    const { out } = this.#encoding;
    this.#encoding.restart();
    const owner = putBytes(out, start + 1, SCOPE);
    let end = putTextField(out, owner, SCOPE_NAME, textOf(scope.name));
    end = putTextField(out, end, SCOPE_VERSION, textOf(scope.version));
    end = putAttributes(this.#encoding, end, more.attributes, more.droppedAttributesCount, SCOPE_DEPTH);
    const at = putBytes(out, closeObject(out, owner, end), SPANS);
    return opened(out, start, isFirst, at);
  }
}

/** Begins the item of a list that was written from `start` to `end`. */
function opened({ bytes }: Output, start: number, isFirst: boolean, end: number): number {
  bytes[start] = isFirst ? OPEN_LIST : COMMA;
  bytes[start + 1] = OPEN_OBJECT;
  return end;
}

/** The end of a resource or scope, from the end of its list on. */
function endOf(schemaUrl: unknown): string {
  const url = textOf(schemaUrl);
  return url === ''
    ? LIST_END
    : Buffer.from(`],"schemaUrl":${JSON.stringify(url.toWellFormed())}}`).toString(BYTE_EACH);
}

function textOfBytes({ bytes }: Output, end: number): string {
  try {
    return bytes.toString(BYTE_EACH, 0, end);
  } catch (thrown) {
    throw new OutOfMemory(`a text of ${end} characters cannot be had`, { cause: thrown });
  }
}

function bodyOf(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const text of texts) length += text.length;
  // Not zeroed before it is filled, and no slice of a pool.
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const text of texts) at += body.write(text, at, BYTE_EACH);
  return new Uint8Array(body.buffer);
}
