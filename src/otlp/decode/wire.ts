import type { WirePlace } from '../../model/received.ts';
import { type Fields, readFields } from '../protobuf/readMessage.ts';
import type { Resource, Scope } from './decodeRequest.ts';
import type { ReceivedRequest } from './receivedRequest.ts';

/** What the items of one scope have in common. */
export interface Origin {
  readonly request: ReceivedRequest;
  readonly resource: Resource;
  readonly scope: Scope;
}

/** A part of what a message holds: the fields that are read together. */
export interface Part<Message> {
  /** One bit, its own. */
  readonly bit: number;
  readonly fields: Fields<Message>;
  /** What is left to be done when the fields have been read. */
  readonly finish: (message: Message) => void;
}

/** Where a received item stands, and what has been read of it. */
export abstract class Wire<Message> implements WirePlace {
  readonly #origin: Origin;
  readonly at: number;
  readonly start: number;
  readonly end: number;
  /** Filled part by part. */
  #message: Message | undefined;
  #parts = 0;

  constructor(origin: Origin, at: number, start: number, end: number) {
    this.#origin = origin;
    this.at = at;
    this.start = start;
    this.end = end;
  }

  get origin(): Origin {
    return this.#origin;
  }

  get bytes(): Uint8Array {
    return this.#origin.request.bytes;
  }

  /** What has been read of the item, this part included. */
  read(part: Part<Message>): Message {
    const message = this.#message;
    return message !== undefined && (this.#parts & part.bit) !== 0 ? message : this.#readPart(part);
  }

  protected abstract make(origin: Origin): Message;

  #readPart(part: Part<Message>): Message {
    this.#message ??= this.make(this.#origin);
    const message = this.#message;
    this.#parts |= part.bit;
    this.#origin.request.read(this.start, this.end, (reader) => {
      readFields(reader, part.fields, message);
      part.finish(message);
    });
    return message;
  }
}
