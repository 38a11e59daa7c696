import type { Attributes } from '@opentelemetry/api';
import { type OwnerPlace, ReceivedOwner } from '../../model/received.ts';
import type { Reader } from '../protobuf/reader.ts';
import { readFields } from '../protobuf/readMessage.ts';
import { type Resource, resourceOwnerFields, type Scope, scopeOwnerFields } from './decodeRequest.ts';
import { frozen } from './frozen.ts';
import type { ReceivedRequest } from './receivedRequest.ts';
import { ReceivedResource } from './receivedResource.ts';

/** The scope of received items. */
class ReceivedScope extends ReceivedOwner implements Scope {
  name = '';
  declare version?: string;
  declare schemaUrl?: string;
  declare attributes?: Attributes;
  declare droppedAttributesCount?: number;
}

/** What is found while the owner is read is added to its place. */
type FoundPlace = OwnerPlace & { hidesSome?: boolean };

/** A message in the frame of a request that says something of a resource or of a scope, and its schema URL. */
export class OwnerFrame {
  readonly #start: number;
  readonly #end: number;
  /** Where the length of the message begins, where its content does, and where it ends. */
  #at = 0;
  #content = 0;
  #contentEnd = 0;
  #url = '';
  /** Not where the message comes in several parts, which cannot be copied. */
  #isWhole = true;

  constructor(reader: Reader) {
    this.#start = reader.at;
    this.#end = reader.end;
  }

  addMessage(reader: Reader): void {
    this.#isWhole &&= this.#at === 0;
    this.#at = reader.at;
    this.#content = reader.content();
    this.#contentEnd = reader.at;
  }

  addUrl(reader: Reader): void {
    this.#url = reader.hex();
  }

  /** The resource, one for all that are equal byte for byte. */
  resource(request: ReceivedRequest): Resource {
    return this.#once(request, request.resources, (place, reader) => {
      const resource = new ReceivedResource({}, place);
      readFields(reader, resourceOwnerFields, { resource });
      return resource;
    });
  }

  scope(request: ReceivedRequest): Scope {
    return this.#once(request, request.scopes, (place, reader) => {
      const scope = new ReceivedScope(place);
      readFields(reader, scopeOwnerFields, { scope });
      return scope;
    });
  }

  #once<Owner>(
    request: ReceivedRequest,
    known: Map<string, Owner>,
    read: (place: OwnerPlace | undefined, reader: Reader) => Owner,
  ): Owner {
    const place = this.#isWhole ? this.#place(request) : undefined;
    const before = place && known.get(place.key);
    if (before !== undefined) return before;
    const owner = frozen(
      request.read(this.#start, this.#end, (reader) => {
        const made = read(place, reader);
        if (place !== undefined) place.hidesSome = reader.hasReplaced;
        return made;
      }),
    );
    if (place !== undefined) known.set(place.key, owner);
    return owner;
  }

  #place({ bytes }: ReceivedRequest): FoundPlace {
    const start = this.#content;
    const end = this.#contentEnd;
    return { bytes, at: this.#at, start, end, key: `${bytes.hexSlice(start, end)} ${this.#url}` };
  }
}
