import type { Attributes } from '@opentelemetry/api';
import { integerOf } from './int64.ts';
import type { AnyValueMessage, Bits64, KeyValueMessage } from './messages.ts';

/** Attributes as an object: of several values under one key the last stays, at the place of the first. */
export function attributesOf(keyValues: readonly KeyValueMessage[]): Attributes {
  const attributes: Attributes = {};
  for (const { key, value } of keyValues) {
    if (key === '__proto__') {
      // Assigned, it would change what the object inherits from.
      Object.defineProperty(attributes, key, { value: plainValue(value), ...OWN_PROPERTY });
    } else {
      attributes[key] = plainValue(value);
    }
  }
  return attributes;
}

const OWN_PROPERTY = { configurable: true, enumerable: true, writable: true };

/** `null` where there is no value, or one that belongs to another signal (`string_value_strindex`). */
function plainValue(message: AnyValueMessage | null): unknown {
  switch (message?.value) {
    case 'stringValue':
      return message.stringValue;
    case 'boolValue':
      return message.boolValue;
    case 'intValue':
      return integerOf(message.intValue as Bits64);
    case 'doubleValue':
      return message.doubleValue;
    case 'arrayValue':
      return message.arrayValue?.values.map(plainValue);
    case 'kvlistValue':
      return attributesOf(message.kvlistValue?.values ?? []);
    case 'bytesValue':
      // A copy: a view would hold the whole request in memory for as long as one span lives.
      return new Uint8Array(message.bytesValue ?? []);
    default:
      return null;
  }
}
