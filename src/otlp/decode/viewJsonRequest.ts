import type { WirePlace } from '../../model/received.ts';
import type { JsonReader } from '../json/read/jsonReader.ts';
import type { DecodeLimits } from '../protobuf/decodeLimits.ts';
import type { Reader } from '../protobuf/reader.ts';
import { readJsonRequest, type SignalJson } from './decodeJsonRequest.ts';
import { type Resource, readItems, type Scope } from './decodeRequest.ts';
import { frozen } from './frozen.ts';
import { ReceivedRequest } from './receivedRequest.ts';
import type { SignalViewing } from './viewRequest.ts';
import { Origin } from './wire.ts';

const NO_BYTES = new Uint8Array(0);

/** A request of which the parsed JSON is kept, and items are read from it. It has no bytes that could be copied. */
class ParsedRequest extends ReceivedRequest {
  readonly #reader: JsonReader;

  constructor(reader: JsonReader, limits: DecodeLimits) {
    super(NO_BYTES, limits, () => {});
    this.#reader = reader;
  }

  override begin(start: number, end: number): Reader {
    this.#reader.restart(start, end);
    return this.#reader;
  }

  override beginMessage({ at, end }: WirePlace): Reader {
    return this.begin(at, end);
  }

  override end(): void {}
}

/**
 * The items of an export request in JSON, in their order, each of which is read when it is asked for. Where the JSON is not in the usual form,
 * they are plain items.
 *
 * @throws SpanflowError as `decodeJsonRequest` does.
 */
export function viewJsonRequest<Item>(
  json: string | Uint8Array,
  limits: DecodeLimits,
  signal: SignalJson<Item>,
  viewInto: SignalViewing<Item>['viewInto'],
): Item[] {
  return readJsonRequest(json, limits, signal, (reader) => {
    const items: Item[] = [];
    const request = new ParsedRequest(reader, limits);
    const origins: Origin[] = [];
    let last: Origin | undefined;
    readItems(items, reader, (all, at, resource, scope) => viewInto(all, at, originOf(resource, scope)));
    reader.endFrame();
    for (const { resource, scope } of origins) {
      frozen(resource);
      frozen(scope);
    }
    return items;

    function originOf(resource: Resource, scope: Scope): Origin {
      if (last?.scope === scope) return last;
      last = new Origin(request, undefined);
      last.resource = resource;
      last.scope = scope;
      origins.push(last);
      return last;
    }
  });
}
