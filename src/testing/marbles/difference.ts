import { isDeepStrictEqual, types } from 'node:util';
import { isError } from '../failures/text.ts';

/** Where two values differ first. */
export interface Difference {
  /** The keys that lead there: none where the two differ as a whole, `class` at the end where their classes do. */
  readonly path: readonly PropertyKey[];
  readonly expected: unknown;
  readonly was: unknown;
}

/**
 * Deep equality as `assert.deepStrictEqual` has it, except for errors, which are compared by what they say: class, name, message, code, cause, the errors
 * of an aggregate and their own enumerable data. Their stacks are not compared, since RxJS makes that of its own errors enumerable.
 */
export function isSameValue(expected: unknown, was: unknown): boolean {
  return isDeepStrictEqual(expected, was) || differenceBetween(expected, was) === undefined;
}

/** The first difference of two values, `undefined` if they are the same by {@link isSameValue}. `seen` holds the pairs under way, for cycles. */
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
    // No order in maps and sets, and no parts in a date or a buffer.
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

/** What a value consists of, by its keys: `undefined` for what only `isDeepStrictEqual` knows to compare. */
function partsOf(value: object): Map<PropertyKey, unknown> | undefined {
  if (isError(value)) return saidBy(value);
  if (types.isMap(value) || types.isSet(value)) return new Map([...value].entries());
  if (Array.isArray(value)) return new Map([['length', value.length], ...ownParts(value)]);
  return Object.prototype.toString.call(value) === '[object Object]' ? new Map(ownParts(value)) : undefined;
}

/** What an error says, be it enumerable or not. */
function saidBy(error: Error): Map<PropertyKey, unknown> {
  const keys = ['name', 'message', 'code', 'cause', 'errors'].filter((key) => key in error);
  const said = keys.map((key): [PropertyKey, unknown] => [key, Reflect.get(error, key)]);
  return new Map([...said, ...ownParts(error).filter(([key]) => key !== 'stack')]);
}

function ownParts(value: object): [PropertyKey, unknown][] {
  const keys = Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  return keys.map((key) => [key, Reflect.get(value, key)]);
}
