import { isUint8Array } from '../../../internal/isUint8Array.ts';
import { messageOf, shown } from '../../../model/errors.ts';
import { escaped } from '../../../model/escaped.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws Error where the input is neither a string nor UTF-8 bytes. */
export function textOf(json: string | Uint8Array): string {
  if (typeof json === 'string') return json;
  if (isUint8Array(json)) return strict.decode(json);
  throw new Error(`it must be a string or a Uint8Array, but is ${shown(json)}`);
}

/** @throws Error where the text is not JSON. */
export function parsed(text: string): unknown {
  return parsedBy(() => JSON.parse(text));
}

/** The same, with each {@link isUnsafe} number as {@link NumberText}. */
export function parsedExactly(text: string): unknown {
  return parsedBy(() => JSON.parse(text, textOfUnsafe));
}

/** The message of V8 quotes the text, so it is escaped. */
function parsedBy(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (thrown) {
    throw new Error(escaped(messageOf(thrown)));
  }
}

/** Whether a double is so large that its text may mean another integer, or a fraction. */
export function isUnsafe(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** A number as text. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** ECMAScript 2026 gives a reviver the text of a number. */
function textOfUnsafe(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return isUnsafe(value) && source !== undefined ? new NumberText(source) : value;
}
