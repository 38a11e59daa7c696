import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { isUint8Array } from '../../internal/isUint8Array.ts';
import { messageOf, SpanflowError, shown } from '../../model/errors.ts';
import type { DecodeLimits } from '../protobuf/decodeLimits.ts';
import { Reader } from '../protobuf/reader.ts';
import { delimited, fieldsOf, readFields, readMessage, varint } from '../protobuf/readMessage.ts';
import type { Costs } from '../protobuf/scan.ts';
import { readAttribute } from './attributes.ts';
import { plainConstructor } from './plainObject.ts';
import { ReceivedResource } from './receivedResource.ts';

export type Resource = ReadableSpan['resource'];
export type Scope = ReadableSpan['instrumentationScope'];

/**
 * What differs between the export requests of traces, logs and metrics. Their frames have the same field numbers: a request has
 * resources, a resource has scopes, and a scope has items.
 */
export interface SignalDecoding<Item> {
  /** The message, for errors: `ExportTraceServiceRequest`. */
  readonly request: string;
  /**
   * Reads one message of a scope, which begins with its length, and adds what it holds: one span, or the points of one metric. The
   * resource and the scope may be filled later.
   */
  readonly readInto: (items: Item[], reader: Reader, resource: Resource, scope: Scope) => void;
}

/**
 * The items of an export request in protobuf, in their order.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the place and the reason; `MESSAGE_TOO_LARGE`.
 */
export function decodeRequest<Item>(bytes: Uint8Array, limits: DecodeLimits, signal: SignalDecoding<Item>): Item[] {
  const items: Item[] = [];
  strictly(
    signal.request,
    bytes,
    () => new Reader(bytes, limits),
    (reader) => {
      reader.spend(0, 0);
      readItems(items, reader, signal.readInto);
    },
  );
  return items;
}

/** Reads the fields of a request, and adds its items. */
export function readItems<Item>(items: Item[], reader: Reader, readInto: SignalDecoding<Item>['readInto']): void {
  readFields<Request>(reader, requestFields, { items, readInto: readInto as ReadInto });
}

/**
 * Reads a request, and says of an error where it is.
 *
 * @param message its name
 * @throws SpanflowError as {@link decodeRequest} does.
 */
export function strictly<By extends { readonly at: number }>(
  message: string,
  bytes: Uint8Array,
  begin: () => By,
  read: (by: By) => void,
): void {
  const malformed = (reason: string, cause?: unknown): SpanflowError =>
    new SpanflowError('MALFORMED_MESSAGE', `${message} is malformed${reason}`, { cause });
  if (!isUint8Array(bytes)) throw malformed(`: it must be a Uint8Array, but is ${shown(bytes)}`);
  const by = begin();
  try {
    read(by);
  } catch (thrown) {
    if (thrown instanceof SpanflowError) throw thrown;
    throw malformed(` near byte ${by.at} of ${bytes.length}: ${messageOf(thrown)}`, thrown);
  }
}

type ReadInto = SignalDecoding<unknown>['readInto'];

interface Request {
  readonly items: unknown[];
  readonly readInto: ReadInto;
}

interface ResourceOwner {
  readonly resource: ReceivedResource;
}

interface ScopeOwner {
  readonly scope: ReceivedScope;
}

type ResourceGroup = Request & ResourceOwner;
type ScopeGroup = ResourceGroup & ScopeOwner;

/** The SDK's type has no attributes for a scope, but OTLP has. They are kept, so that they can be sent on. */
export interface ReceivedScope {
  name: string;
  version?: string;
  schemaUrl?: string;
  attributes?: Attributes;
  droppedAttributesCount?: number;
}

export const ReceivedScope = plainConstructor(function (this: ReceivedScope) {
  this.name = '';
});

// Heap that they take without their strings and attributes.
const RESOURCE_BYTES = 128;
const SCOPE_BYTES = 64;

export const FRAME_COSTS: Costs = {
  ResourceSpans: [1, RESOURCE_BYTES],
  ResourceLogs: [1, RESOURCE_BYTES],
  ResourceMetrics: [1, RESOURCE_BYTES],
  ScopeSpans: [1, SCOPE_BYTES],
  ScopeLogs: [1, SCOPE_BYTES],
  ScopeMetrics: [1, SCOPE_BYTES],
};

const requestFields = fieldsOf<Request>({
  [delimited(1)]: ({ items, readInto }, reader) => {
    reader.spend(1, RESOURCE_BYTES);
    readMessage(reader, resourceGroupFields, { items, readInto, resource: new ReceivedResource() });
  },
});

// The resource may come after the items: they get the object at once, and it is filled when its field comes. So is the scope.
const resourceGroupFields = fieldsOf<ResourceGroup>({
  [delimited(1)]: readResource,
  [delimited(2)]: ({ items, readInto, resource }, reader) => {
    reader.spend(1, SCOPE_BYTES);
    readMessage(reader, scopeGroupFields, { items, readInto, resource, scope: new ReceivedScope() });
  },
  [delimited(3)]: readResourceUrl,
});

/** The fields of a `ResourceSpans` that are not items. */
export const resourceOwnerFields = fieldsOf<ResourceOwner>({
  [delimited(1)]: readResource,
  [delimited(3)]: readResourceUrl,
});

function readResource({ resource }: ResourceOwner, reader: Reader): void {
  readMessage(reader, resourceFields, resource);
}

function readResourceUrl({ resource }: ResourceOwner, reader: Reader): void {
  resource.receiveSchemaUrl(reader.text());
}

const readText = (_: unknown, reader: Reader): void => {
  reader.text();
};

/** Items do not hold it. It is read because a malformed string in it makes the request malformed. */
const entityRefFields = fieldsOf<unknown>({
  [delimited(1)]: readText,
  [delimited(2)]: readText,
  [delimited(3)]: readText,
  [delimited(4)]: readText,
});

const resourceFields = fieldsOf<ReceivedResource>({
  [delimited(1)]: ({ attributes }, reader) => readAttribute(attributes, reader),
  [varint(2)]: (resource, reader) => {
    resource.droppedAttributesCount = reader.int32() >>> 0;
  },
  [delimited(3)]: (_, reader) => readMessage(reader, entityRefFields, undefined),
});

const scopeGroupFields = fieldsOf<ScopeGroup>({
  [delimited(1)]: readScope,
  [delimited(2)]: ({ items, readInto, resource, scope }, reader) => readInto(items, reader, resource, scope),
  [delimited(3)]: readScopeUrl,
});

/** The fields of a `ScopeSpans` that are not items. */
export const scopeOwnerFields = fieldsOf<ScopeOwner>({ [delimited(1)]: readScope, [delimited(3)]: readScopeUrl });

function readScope({ scope }: ScopeOwner, reader: Reader): void {
  readMessage(reader, scopeFields, scope);
}

function readScopeUrl({ scope }: ScopeOwner, reader: Reader): void {
  setText(scope, 'schemaUrl', reader.text());
}

const scopeFields = fieldsOf<ReceivedScope>({
  [delimited(1)]: (scope, reader) => {
    scope.name = reader.text();
  },
  [delimited(2)]: (scope, reader) => setText(scope, 'version', reader.text()),
  [delimited(3)]: (scope, reader) => {
    scope.attributes ??= {};
    scope.droppedAttributesCount ??= 0;
    readAttribute(scope.attributes, reader);
  },
  [varint(4)]: (scope, reader) => {
    const dropped = reader.int32() >>> 0;
    if (dropped === 0 && scope.attributes === undefined) return;
    scope.attributes ??= {};
    scope.droppedAttributesCount = dropped;
  },
});

/** An empty string means that the field is absent. */
function setText(scope: ReceivedScope, name: 'version' | 'schemaUrl', value: string): void {
  if (value === '') delete scope[name];
  else scope[name] = value;
}
