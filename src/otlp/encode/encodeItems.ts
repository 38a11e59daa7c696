import { aFunction, optional, settingsOf } from '../../internal/validation.ts';
import { InvalidOptionError, messageOf, SpanflowError, shown } from '../../model/errors.ts';
import { ReceivedItem } from '../../model/received.ts';
import { OutOfMemory } from '../protobuf/outputBuffer.ts';
import type { RequestEncoder, SignalFields } from './requestEncoder.ts';

/** How many items are looked at before they are encoded. */
const ITEMS_AHEAD = 16;

export type OnUnencodable<Item> = ((item: Item, error: SpanflowError) => void) | undefined;

const OPTION_RULES = { onUnencodable: optional(aFunction) };

/** Refuses arguments of the wrong kind at the call. */
export function checkArguments(caller: string, noun: string, items: unknown, options: object | undefined): void {
  if (options !== undefined) settingsOf<{ onUnencodable: unknown }>(caller, {}, OPTION_RULES, options);
  if (!Array.isArray(items)) throw new InvalidOptionError(`${caller}.${noun}s`, `an array of ${noun}s`, items);
}

/** Adds items to a request. One that cannot be encoded is reported, or thrown where there is no callback. */
export function encodeItems<Item>(
  request: RequestEncoder<Item>,
  signal: SignalFields<Item>,
  items: readonly Item[],
  onUnencodable: OnUnencodable<Item>,
  from = 0,
  to = items.length,
): void {
  for (let index = from; index < to; index++) {
    if ((index - from) % ITEMS_AHEAD === 0) lookAhead(signal, items, index, Math.min(index + ITEMS_AHEAD, to));
    const item = items[index] as Item;
    try {
      request.add(item);
    } catch (thrown) {
      if (thrown instanceof OutOfMemory) throw tooLarge(thrown);
      const error = unencodable(signal, item, index, thrown);
      if (onUnencodable === undefined) throw error;
      try {
        onUnencodable(item, error);
      } catch {
        // See the option: the remaining items matter more.
      }
    }
  }
}

/** What was read goes here, so that no compiler leaves out the reading. */
export let seen = 0;

/**
 * Reads what items consist of, and does nothing with it. Items that ended a while ago lie scattered in memory: reading many in a row
 * waits for all of them at once, while the encoder would wait for each.
 */
function lookAhead<Item>({ touch }: SignalFields<Item>, items: readonly Item[], from: number, to: number): void {
  let sum = 0;
  try {
    for (let index = from; index < to; index++) {
      const item = items[index] as Item;
      if (!ReceivedItem.is(item)) sum += touch(item);
    }
  } catch {
    // The encoder comes to it, and says what is wrong.
  }
  seen = sum | 0;
}

/** When everything is bytes, what is left to fail is memory. */
export function finished<Made>(finish: () => Made): Made {
  try {
    return finish();
  } catch (thrown) {
    throw tooLarge(thrown);
  }
}

function tooLarge(thrown: unknown): SpanflowError {
  return new SpanflowError('UNENCODABLE', `the request cannot be encoded: ${messageOf(thrown)}`, { cause: thrown });
}

function unencodable<Item>(signal: SignalFields<Item>, item: Item, index: number, thrown: unknown): SpanflowError {
  const message = `${signal.noun} ${index}${nameOf(signal, item)} cannot be encoded: ${messageOf(thrown)}`;
  return new SpanflowError('UNENCODABLE', message, { cause: thrown });
}

function nameOf<Item>(signal: SignalFields<Item>, item: Item): string {
  try {
    return ` ${shown(signal.nameOf(item))}`;
  } catch {
    return '';
  }
}
