import { propertyOf } from '../../flow/propertyOf.ts';

/**
 * Freezes what was read of a received item, with what is in it. It would be lost if it were changed, since the item is sent on as the
 * bytes with which it came: a program that tries is told by a TypeError.
 */
export function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) for (const element of value) frozen(element);
  else freezeProperties(value);
  return Object.freeze(value);
}

function freezeProperties(value: object): void {
  for (const key in value) {
    const inner = propertyOf(value, key);
    if (typeof inner === 'object' && inner !== null) frozen(inner);
  }
}

/** A list of objects, whose own objects are frozen by a function. */
export function frozenList<Element extends object>(list: Element[], freezeWithin: (element: Element) => void): void {
  if (list.length === 0) return; // then it is one for all
  for (const element of list) {
    freezeWithin(element);
    Object.freeze(element);
  }
  Object.freeze(list);
}
