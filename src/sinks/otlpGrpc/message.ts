import { messageOf } from '../../model/errors.ts';
import { ExportError } from '../../model/sink.ts';
import type { RequestLender } from '../../otlp/encode/requestLender.ts';
import { type CountBytes, type RequestUse, requestFor } from '../../otlp/encode/sharedRequests.ts';
import type { ResourceWait } from '../shared/resources.ts';
import type { OtlpGrpcSettings } from './settings.ts';

/** What a sink makes its messages with. */
export interface MessageContext<Item> {
  readonly settings: OtlpGrpcSettings<Item>;
  readonly wait: ResourceWait<Item>;
  readonly lender: RequestLender<Item>;
  /** Called with the number of bytes of a message when it has been made, and again, negative, when it is not used any more. */
  readonly countBytes: CountBytes;
}

/** The message of one attempt. It is made for that attempt, and not kept for the next one: batches that wait for their turn hold their items, and no messages. */
export interface Message {
  readonly bytes: Uint8Array;
  /** Items that cannot be expressed, and are not in it. */
  readonly unencodable: number;
  /** The attempt is over. Called once. Whoever still reads the bytes may go on. */
  end(): void;
}

/** Makes the message of one attempt. It fails only for good: trying again would make the same one. */
export async function prepare<Item>(
  items: readonly Item[],
  { settings, wait, lender, countBytes }: MessageContext<Item>,
  signal: AbortSignal,
): Promise<Message> {
  await wait(items);
  signal.throwIfAborted();
  try {
    return messageOfUse(await requestFor(items, 'protobuf', lender, countBytes), items.length, settings, countBytes);
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError({ kind: 'permanent' }, `no request can be made: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function messageOfUse(use: RequestUse, count: number, settings: OtlpGrpcSettings, countBytes: CountBytes): Message {
  const { pieces, length, unencodable } = use;
  const { maxRequestBytes, signal } = settings;
  if (length > maxRequestBytes) {
    use.giveBack();
    use.end();
    const size = `a request of ${length} bytes (${count} ${signal.fields.noun}s)`;
    throw new ExportError({ kind: 'tooLarge' }, `${size} is not sent: it is over maxRequestBytes ${maxRequestBytes}`);
  }
  // gRPC makes a frame of it, which is a copy.
  countBytes(length);
  const bytes = inOnePiece(pieces);
  return {
    bytes,
    unencodable,
    end: () => {
      countBytes(-length);
      if (!pieces.includes(bytes)) use.giveBack();
      use.end();
    },
  };
}

/**
 * The message as gRPC takes it. Several pieces are copied, so that their memory is free however long gRPC reads: after an answer that came early, or a call that was cancelled, it may still compress. One piece is a copy
 * already, unless it is lent and has 256 MiB or more: then it is not given back.
 */
function inOnePiece(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}
