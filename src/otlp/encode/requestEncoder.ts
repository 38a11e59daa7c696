import { type OwnerPlace, ReceivedItem, ReceivedOwner, type WirePlace } from '../../model/received.ts';
import type { MessageText } from '../json/write/jsonFields.ts';
import { BufferRanges } from '../protobuf/bufferRanges.ts';
import { writeBytes, writeLength, writeVarint, writeWideLength } from '../protobuf/write.ts';
import { writeAttributes } from './attributes.ts';
import type { EncoderState } from './encoderState.ts';
import { writeStringField } from './fields.ts';
import { addStart, framed, lengthOf, type Range, START_BYTES } from './frames.ts';
import { closeMessage, type MessageAround, type OpenMessage, openMessage } from './messageAround.ts';

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
  /** Writes an item of which some was replaced since it was received, with the bytes of the rest; `undefined` where it has to be written from its fields. */
  readonly patch?: (state: EncoderState, start: number, item: Item) => number | undefined;
  /** What stands between a scope and its items, if anything does: a metric around its points. */
  readonly around?: MessageAround<Item>;
  /** Reads what the encoder will read first, and adds it up: see `encodeItems`. */
  readonly touch: (item: Item) => number;
  /** The whole request, for OTLP/JSON: asked for by the first one, since most programs send none. */
  readonly json: () => MessageText;
}

// The fields around the items have the same numbers in traces, logs and metrics.
const REQUEST_RESOURCES = 0x0a;
const RESOURCE_HEAD = 0x0a;
const RESOURCE_SCOPES = 0x12;
const SCOPE_HEAD = 0x0a;
const SCOPE_ITEMS = 0x12;
const DATA_ITEMS = 0x0a;
const SCHEMA_URL = 0x1a;
const RESOURCE_ATTRIBUTES = 0x0a;
const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;
const SCOPE_ATTRIBUTES = 0x1a;

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;

/** The items of one scope, which stand in one place of the body. */
interface ScopeGroup {
  readonly resource: Resource;
  readonly scope: Scope;
  /** The scope and the items. Before the first of them is room for what begins the message. */
  readonly content: BufferRanges;
  readonly schemaUrl: Range;
  /** The messages around its items, by what these have in common. They join the content when all is written. */
  readonly messages: Map<object, OpenMessage>;
  lastMessage: OpenMessage | undefined;
}

interface ResourceGroup {
  /** Before it is room for what begins the message. */
  readonly head: Range;
  readonly schemaUrl: Range;
  readonly scopes: Map<Scope | string, ScopeGroup>;
}

/**
 * One request. Items are written in the order in which they come, each behind the head of its resource or scope if it is the first of
 * it. They are put in order where the body is copied or sent.
 */
export class RequestEncoder<Item> {
  readonly #state: EncoderState;
  readonly #signal: SignalFields<Item>;
  /** By identity; by their bytes, where they have been received. */
  readonly #groups = new Map<Resource | string, ResourceGroup>();
  readonly #isCopying: boolean;
  /** The group of the last item, and most often of the next. */
  #last: ScopeGroup | undefined;
  /** Where the next item begins. */
  #at = 0;

  /** @param received what is copied as it stands on the wire: what nobody has changed, or nothing */
  constructor(state: EncoderState, signal: SignalFields<Item>, received: 'copied' | 'written' = 'copied') {
    this.#isCopying = received === 'copied';
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

  /** The body: ranges of the state's buffer, and of what was received. */
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
    const group = isSame ? last : this.#groups.get(this.#keyOf(resource))?.scopes.get(this.#keyOf(scope));
    if (group === undefined) this.#addFirst(item, resource, scope);
    else this.#addTo(group, item, this.#at);
  }

  #addTo(group: ScopeGroup, item: Item, start: number): void {
    const { around } = this.#signal;
    if (around === undefined) this.#write(group.content, SCOPE_ITEMS, item, start);
    else this.#addInside(group, around, item, start);
    this.#last = group;
  }

  #addInside(group: ScopeGroup, around: MessageAround<Item>, item: Item, start: number): void {
    const of = around.of(item);
    const last = group.lastMessage;
    const known = last?.of === of ? last : group.messages.get(of);
    const message = known ?? openMessage(this.#state, around, start, item);
    this.#write(message.items, DATA_ITEMS, item, known === undefined ? message.start : start);
    if (known === undefined) group.messages.set(of, message);
    group.lastMessage = message;
  }

  #keyOf<Owner extends object>(owner: Owner): Owner | string {
    return this.#placeOf(owner)?.key ?? owner;
  }

  #placeOf(owner: unknown): OwnerPlace | undefined {
    return this.#isCopying ? ReceivedOwner.placeOf(owner) : undefined;
  }

  #write(to: BufferRanges, tag: number, item: Item, start: number): void {
    const place = this.#isCopying ? ReceivedItem.placeOf(item) : undefined;
    if (place === undefined) this.#writeFields(to, tag, item, start);
    else this.#at = this.#passOn(to, tag, place, start);
  }

  /** What was received is sent from where it stands, with its tag if that is the same. Items that follow each other there and here are one range. Returns where the next item begins. */
  #passOn(to: BufferRanges, tag: number, { bytes, at, end }: WirePlace, start: number): number {
    const isSameTag = bytes[at - 1] === tag;
    if (!isSameTag) {
      this.#state.out.room(start, 0)[start] = tag;
      to.add(start, start + 1);
    }
    to.add(isSameTag ? at - 1 : at, end, bytes);
    return isSameTag ? start : start + 1;
  }

  #writeFields(to: BufferRanges, tag: number, item: Item, start: number): void {
    const state = this.#state;
    const width = state.itemWidth;
    state.restart();
    state.out.room(start, 0)[start] = tag;
    const content = this.#content(state, start + 1 + width, item);
    const end = writeWideLength(state.out, start + 1, width, content);
    state.itemWidth += end - content;
    if (end !== content) state.forgetIds(); // what stands in the item has moved
    to.add(start, end);
    this.#at = end;
  }

  #content(state: EncoderState, start: number, item: Item): number {
    const patched = this.#isCopying ? this.#signal.patch?.(state, start, item) : undefined;
    return patched ?? this.#signal.write(state, start, item);
  }

  /** The item is written before the groups are kept: an item that fails leaves no empty group behind. */
  #addFirst(item: Item, resource: Resource, scope: Scope): void {
    const known = this.#groups.get(this.#keyOf(resource));
    const owner = known ?? this.#newResource(this.#at, resource);
    const group = this.#newScope(known === undefined ? owner.schemaUrl.end : this.#at, resource, scope);
    this.#addTo(group, item, group.content.end);
    owner.scopes.set(this.#keyOf(scope), group);
    this.#groups.set(this.#keyOf(resource), owner);
  }

  #newResource(start: number, resource: Resource): ResourceGroup {
    const { out } = this.#state;
    const at = this.#begin(start, RESOURCE_HEAD);
    const end =
      this.#copyOwner(at + 1, resource) ??
      writeLength(out, at + 1, this.#writeOwner(at + 2, RESOURCE_ATTRIBUTES, RESOURCE_DEPTH, resource));
    const urlEnd = writeStringField(out, end, SCHEMA_URL, resource.schemaUrl);
    return { head: { start: at, end }, schemaUrl: { start: end, end: urlEnd }, scopes: new Map() };
  }

  #newScope(start: number, resource: Resource, scope: Scope): ScopeGroup {
    const { out } = this.#state;
    const urlEnd = writeStringField(out, start, SCHEMA_URL, scope.schemaUrl);
    const at = this.#begin(urlEnd, SCOPE_HEAD);
    const content = new BufferRanges();
    content.add(at, this.#copyOwner(at + 1, scope) ?? this.#writeScope(at + 1, scope));
    const schemaUrl = { start, end: urlEnd };
    return { resource, scope, content, schemaUrl, messages: new Map(), lastMessage: undefined };
  }

  #writeScope(start: number, scope: Scope): number {
    const { out } = this.#state;
    const version = writeStringField(out, start + 1, SCOPE_NAME, scope.name);
    const rest = writeStringField(out, version, SCOPE_VERSION, scope.version);
    return writeLength(out, start, this.#writeOwner(rest, SCOPE_ATTRIBUTES, SCOPE_DEPTH, scope));
  }

  /** The length and the bytes of what was received; `undefined` where it has to be written. */
  #copyOwner(start: number, owner: Owner): number | undefined {
    const place = this.#placeOf(owner);
    if (place === undefined) return undefined;
    const { out } = this.#state;
    const at = writeVarint(out.room(start, 0), start, place.end - place.start);
    return writeBytes(out, at, place.bytes.subarray(place.start, place.end));
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
    const { out } = this.#state;
    let length = lengthOf(head) + lengthOf(schemaUrl);
    for (const group of scopes.values()) {
      for (const message of group.messages.values()) closeMessage(out, group.content, SCOPE_ITEMS, message);
      length += framed(group.content.length + lengthOf(group.schemaUrl));
    }
    addStart(out, body, REQUEST_RESOURCES, length, head.start);
    body.add(head.start, head.end);
    for (const { content, schemaUrl } of scopes.values()) {
      addStart(out, body, RESOURCE_SCOPES, content.length + lengthOf(schemaUrl), content.start);
      body.addAll(content);
      body.add(schemaUrl.start, schemaUrl.end);
    }
    body.add(schemaUrl.start, schemaUrl.end);
  }
}
