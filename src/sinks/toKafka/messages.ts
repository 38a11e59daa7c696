import { turnOfHost } from '../../internal/timers.ts';
import { messageOf } from '../../model/errors.ts';
import type { SignalName } from '../../model/signal.ts';
import { ExportError } from '../../model/sink.ts';
import type { RequestLender, WireEncoding } from '../../otlp/encode/requestLender.ts';
import { type RequestUse, requestFor } from '../../otlp/encode/sharedRequests.ts';
import { countBodyBytes } from '../shared/attemptEnd.ts';

/** A message as the broker keeps it: one export request of OTLP. */
export interface OtlpMessage {
  /** Left out: it goes to any partition. */
  readonly key?: Buffer;
  readonly value: Buffer;
}

/** Messages that go in one request, or a part of what could not be said. */
export interface Messages {
  readonly messages: readonly OtlpMessage[];
  /** How many items cannot be expressed, and are in no message. */
  readonly unencodable: number;
}

/** What the broker adds to a message, at most: lengths, and the head of a batch of it alone. */
const OVERHEAD_BYTES = 100;
/** Messages of a few spans that are made before the event loop has its next turn. */
const MESSAGES_PER_TURN = 16;
const NO_TRACE = /^0*$/;

type TraceOf = (item: never) => string | undefined;

/** Where an item says which trace it belongs to. */
const TRACE_OF: Readonly<Record<SignalName, TraceOf>> = {
  traces: (span: { spanContext(): { traceId: string } }) => span.spanContext().traceId,
  logs: (record: { spanContext?: { traceId: string } | undefined }) => record.spanContext?.traceId,
  metrics: () => undefined,
};

/** The items by trace, in the order in which these come first; the key `''` has those without a trace. */
export function byTrace<Item>(items: readonly Item[], signal: SignalName): Map<string, Item[]> {
  const traceOf = TRACE_OF[signal] as (item: Item) => string | undefined;
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const given = traceOf(item) ?? '';
    const trace = NO_TRACE.test(given) ? '' : given;
    const group = groups.get(trace);
    if (group === undefined) groups.set(trace, [item]);
    else group.push(item);
  }
  return groups;
}

/** Makes messages of items, none of which is larger than the limit. */
export class MessageMaker<Item> {
  readonly #lender: RequestLender<Item>;
  readonly #encoding: WireEncoding;
  readonly #maxBytes: number;

  constructor(lender: RequestLender<Item>, encoding: WireEncoding, maxBytes: number) {
    this.#lender = lender;
    this.#encoding = encoding;
    this.#maxBytes = maxBytes;
  }

  /** Stops between two messages when the signal aborts. */
  async make(groups: Iterable<readonly [key: string, items: readonly Item[]]>, signal: AbortSignal): Promise<Messages> {
    const messages: OtlpMessage[] = [];
    let unencodable = 0;
    let made = 0;
    for (const [key, items] of groups) {
      signal.throwIfAborted();
      made += 1;
      // A small message is made without a turn of the event loop, and so would be all of them.
      if (made % MESSAGES_PER_TURN === 0) await new Promise<void>((resolve) => void turnOfHost()(resolve));
      unencodable += await this.#add(messages, key === '' ? undefined : Buffer.from(key), items, signal);
    }
    return { messages, unencodable };
  }

  /** A message that is too large is made in two halves, with the same key. Returns how many items cannot be expressed. */
  async #add(
    messages: OtlpMessage[],
    key: Buffer | undefined,
    items: readonly Item[],
    signal: AbortSignal,
  ): Promise<number> {
    const use = await this.#encoded(items);
    try {
      if (use.unencodable === items.length) return use.unencodable;
      if (sizeOf(key, use.length) <= this.#maxBytes) {
        messages.push({ ...(key && { key }), value: Buffer.concat(use.pieces, use.length) });
        return use.unencodable;
      }
    } finally {
      use.giveBack();
      use.end();
    }
    return this.#addHalves(messages, key, items, signal);
  }

  async #addHalves(
    messages: OtlpMessage[],
    key: Buffer | undefined,
    items: readonly Item[],
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted();
    const half = items.length >> 1;
    if (half === 0)
      throw new ExportError({ kind: 'tooLarge' }, `an item is larger than maxMessageBytes ${this.#maxBytes}`);
    const first = await this.#add(messages, key, items.slice(0, half), signal);
    return first + (await this.#add(messages, key, items.slice(half), signal));
  }

  async #encoded(items: readonly Item[]): Promise<RequestUse> {
    try {
      return await requestFor(items, this.#encoding, this.#lender, countBodyBytes);
    } catch (thrown) {
      throw new ExportError({ kind: 'permanent' }, `no message can be made: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

/** Parts of the messages that a broker takes at once, even if all of them go into one partition. Their order stays. */
export function* inRequests(messages: readonly OtlpMessage[], maxBytes: number): Generator<readonly OtlpMessage[]> {
  let part: OtlpMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message.key, message.value.length);
    if (part.length > 0 && bytes + size > maxBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

function sizeOf(key: Buffer | undefined, valueBytes: number): number {
  return (key?.length ?? 0) + valueBytes + OVERHEAD_BYTES;
}
