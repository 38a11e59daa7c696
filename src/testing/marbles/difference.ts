import { isDeepStrictEqual, types } from 'node:util';
import { isError } from '../failures/text.ts';

/** The first place where two values differ. */
export interface Difference {
  /** The keys that lead there. Empty if the two values differ as a whole; ends with `class` if their classes differ. */
  readonly path: readonly PropertyKey[];
  readonly expected: unknown;
  readonly was: unknown;
}

/**
 * Deep equality as in `assert.deepStrictEqual`, except for errors. These are compared by class, name, message, code, cause, the errors of an
 * aggregate and their own enumerable data. Stacks are not compared, because RxJS makes the stack of its own errors enumerable.
 */
export function isSameValue(expected: unknown, was: unknown): boolean {
  return isDeepStrictEqual(expected, was) || differenceBetween(expected, was) === undefined;
}

/** The first difference of two values; `undefined` if {@link isSameValue}. `seen` holds the pairs that are being compared, so that cycles end. */
export function differenceBetween(
  expected: unknown,
  was: unknown,
  seen = new Map<object, object>(),
): Difference | undefined {
  if (Object.is(expected, was)) return undefined;
  if (!isObject(expected) || !isObject(was)) return { path: [], expected, was };
  if (seen.get(expected) === was) return undefined;
  seen.set(expected, was);
  const classes = [Object.getPrototypeOf(expected), Object.getPrototypeOf(was)] as const;
  if (classes[0] !== classes[1]) return { path: ['class'], expected: nameOf(classes[0]), was: nameOf(classes[1]) };
  const [parts, others] = [partsOf(expected), partsOf(was)];
  if (parts === undefined || others === undefined || types.isMap(expected) || types.isSet(expected)) {
    // The order of maps and sets does not count, and a date or a buffer has no parts.
    if (isDeepStrictEqual(expected, was)) return undefined;
    if (parts === undefined || others === undefined) return { path: [], expected, was };
  }
  for (const key of new Set([...parts.keys(), ...others.keys()])) {
    const [part, other] = [parts.get(key), others.get(key)];
    if (parts.has(key) !== others.has(key)) return { path: [key], expected: part, was: other };
    const difference = differenceBetween(part, other, seen);
    if (difference !== undefined) return { ...difference, path: [key, ...difference.path] };
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function nameOf(prototype: { constructor?: unknown } | null): string {
  return typeof prototype?.constructor === 'function' ? prototype.constructor.name : 'no class';
}

/** The parts of a value by key; `undefined` for values that only `isDeepStrictEqual` can compare. */
function partsOf(value: object): Map<PropertyKey, unknown> | undefined {
  if (isError(value)) return errorParts(value);
  if (types.isMap(value) || types.isSet(value)) return new Map([...value].entries());
  if (Array.isArray(value)) return new Map([['length', value.length], ...ownParts(value)]);
  return Object.prototype.toString.call(value) === '[object Object]' ? new Map(ownParts(value)) : undefined;
}

/** The facts of an error, enumerable or not. */
function errorParts(error: Error): Map<PropertyKey, unknown> {
  const keys = ['name', 'message', 'code', 'cause', 'errors'].filter((key) => key in error);
  const facts = keys.map((key): [PropertyKey, unknown] => [key, Reflect.get(error, key)]);
  return new Map([...facts, ...ownParts(error).filter(([key]) => key !== 'stack')]);
}

function ownParts(value: object): [PropertyKey, unknown][] {
  const keys = Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  return keys.map((key) => [key, Reflect.get(value, key)]);
}
