import type { MessageText } from '../json/write/jsonFields.ts';
import { BufferRanges } from '../protobuf/bufferRanges.ts';
import { MAX_VARINT_BYTES, varintBytes, writeLength, writeVarint, writeWideLength } from '../protobuf/write.ts';
import { writeAttributes } from './attributes.ts';
import type { EncoderState } from './encoderState.ts';
import { writeStringField } from './fields.ts';

/** What the SDK's types leave out, and its serializers read. */
interface Owner {
  readonly attributes?: object | undefined;
  readonly droppedAttributesCount?: number | undefined;
  readonly schemaUrl?: string | undefined;
}
/** What is still being detected is awaited by sinks. */
export interface Resource extends Owner {
  readonly asyncAttributesPending?: boolean | undefined;
  readonly waitForAsyncAttributes?: (() => Promise<void>) | undefined;
}
type Scope = Owner & { readonly name: string; readonly version?: string | undefined };

/** What an encoder has to know of a signal. */
export interface SignalFields<Item> {
  /** One item, in error messages. */
  readonly noun: string;
  readonly nameOf: (item: Item) => unknown;
  readonly resourceOf: (item: Item) => Resource;
  readonly scopeOf: (item: Item) => Scope;
  /** Writes the fields of one item, and returns where they end. */
  readonly write: (state: EncoderState, start: number, item: Item) => number;
  /** Reads what the encoder will read first, and adds it up: see {@link encodeItems}. */
  readonly touch: (item: Item) => number;
  /** The whole request, for OTLP/JSON. */
  readonly json: MessageText;
}

// The fields around the items have the same numbers in traces, logs and metrics.
const REQUEST_RESOURCES = 0x0a;
const RESOURCE_HEAD = 0x0a;
const RESOURCE_SCOPES = 0x12;
const SCOPE_HEAD = 0x0a;
const SCOPE_ITEMS = 0x12;
const SCHEMA_URL = 0x1a;
const RESOURCE_ATTRIBUTES = 0x0a;
const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;
const SCOPE_ATTRIBUTES = 0x1a;

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;

/** Room before a message for its tag and its length, which are known when all else is. */
const START_BYTES = 1 + MAX_VARINT_BYTES;

/** The items of one scope, which stand in one place of the body. */
interface ScopeGroup {
  readonly resource: Resource;
  readonly scope: Scope;
  /** The scope and the items. Before the first of them is room for what begins the message. */
  readonly content: BufferRanges;
  readonly schemaUrl: Range;
}

interface ResourceGroup {
  /** Before it is room for what begins the message. */
  readonly head: Range;
  readonly schemaUrl: Range;
  readonly scopes: Map<Scope, ScopeGroup>;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * One request. Items are written in the order in which they come, each behind the head of its resource or scope if it is the first of
 * it. They are put in order where the body is copied or sent.
 */
export class RequestEncoder<Item> {
  readonly #state: EncoderState;
  readonly #signal: SignalFields<Item>;
  readonly #groups = new Map<Resource, ResourceGroup>();
  /** The group of the last item, and most often of the next. */
  #last: ScopeGroup | undefined;
  /** Where the next item begins. */
  #at = 0;

  constructor(state: EncoderState, signal: SignalFields<Item>) {
    this.#state = state;
    this.#signal = signal;
    state.out.reset();
  }

  /** @throws whatever the item throws: then the request is as it was before. */
  add(item: Item): void {
    try {
      this.#add(item);
    } catch (thrown) {
      this.#state.forgetIds();
      throw thrown;
    }
  }

  /** The body: ranges of the state's buffer. */
  finish(): BufferRanges {
    this.#state.forgetIds();
    const body = new BufferRanges();
    for (const group of this.#groups.values()) this.#addResource(body, group);
    return body;
  }

  #add(item: Item): void {
    const resource = this.#signal.resourceOf(item);
    const scope = this.#signal.scopeOf(item);
    const last = this.#last;
    const isSame = last !== undefined && last.resource === resource && last.scope === scope;
    const group = isSame ? last : this.#groups.get(resource)?.scopes.get(scope);
    if (group === undefined) this.#addFirst(item, resource, scope);
    else this.#addTo(group, item, this.#at);
  }

  #addTo(group: ScopeGroup, item: Item, start: number): void {
    const state = this.#state;
    const width = state.itemWidth;
    state.restart();
    state.out.room(start, 0)[start] = SCOPE_ITEMS;
    const content = this.#signal.write(state, start + 1 + width, item);
    const end = writeWideLength(state.out, start + 1, width, content);
    state.itemWidth += end - content;
    if (end !== content) state.forgetIds(); // what stands in the item has moved
    group.content.add(start, end);
    this.#at = end;
    this.#last = group;
  }

  /** The item is written before the groups are kept: an item that fails leaves no empty group behind. */
  #addFirst(item: Item, resource: Resource, scope: Scope): void {
    const known = this.#groups.get(resource);
    const owner = known ?? this.#newResource(this.#at, resource);
    const group = this.#newScope(known === undefined ? owner.schemaUrl.end : this.#at, resource, scope);
    this.#addTo(group, item, group.content.end);
    owner.scopes.set(scope, group);
    this.#groups.set(resource, owner);
  }

  #newResource(start: number, resource: Resource): ResourceGroup {
    const { out } = this.#state;
    const at = this.#begin(start, RESOURCE_HEAD);
    const end = writeLength(out, at + 1, this.#writeOwner(at + 2, RESOURCE_ATTRIBUTES, RESOURCE_DEPTH, resource));
    const urlEnd = writeStringField(out, end, SCHEMA_URL, resource.schemaUrl);
    return { head: { start: at, end }, schemaUrl: { start: end, end: urlEnd }, scopes: new Map() };
  }

  #newScope(start: number, resource: Resource, scope: Scope): ScopeGroup {
    const { out } = this.#state;
    const urlEnd = writeStringField(out, start, SCHEMA_URL, scope.schemaUrl);
    const at = this.#begin(urlEnd, SCOPE_HEAD);
    const content = new BufferRanges();
    const version = writeStringField(out, at + 2, SCOPE_NAME, scope.name);
    const rest = writeStringField(out, version, SCOPE_VERSION, scope.version);
    content.add(at, writeLength(out, at + 1, this.#writeOwner(rest, SCOPE_ATTRIBUTES, SCOPE_DEPTH, scope)));
    return { resource, scope, content, schemaUrl: { start, end: urlEnd } };
  }

  #writeOwner(start: number, tag: number, depth: number, owner: Owner): number {
    return writeAttributes(this.#state, start, tag, depth, owner.attributes, owner.droppedAttributesCount);
  }

  /** Leaves room for the start of the message around, and says where its first field stands, of which the tag is written. */
  #begin(start: number, tag: number): number {
    const at = start + START_BYTES;
    this.#state.restart();
    this.#state.out.room(at, 0)[at] = tag;
    return at;
  }

  #addResource(body: BufferRanges, { head, scopes, schemaUrl }: ResourceGroup): void {
    let length = lengthOf(head) + lengthOf(schemaUrl);
    for (const group of scopes.values()) {
      const inside = group.content.length + lengthOf(group.schemaUrl);
      length += 1 + varintBytes(inside) + inside;
    }
    this.#addStart(body, REQUEST_RESOURCES, length, head.start);
    body.add(head.start, head.end);
    for (const { content, schemaUrl } of scopes.values()) {
      this.#addStart(body, RESOURCE_SCOPES, content.length + lengthOf(schemaUrl), content.start);
      body.addAll(content);
      body.add(schemaUrl.start, schemaUrl.end);
    }
    body.add(schemaUrl.start, schemaUrl.end);
  }

  /** Tag and length of a message, right before its first field. */
  #addStart(body: BufferRanges, tag: number, length: number, end: number): void {
    const { bytes } = this.#state.out;
    const start = end - 1 - varintBytes(length);
    bytes[start] = tag;
    writeVarint(bytes, start + 1, length);
    body.add(start, end);
  }
}

function lengthOf({ start, end }: Range): number {
  return end - start;
}
