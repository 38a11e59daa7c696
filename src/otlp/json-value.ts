import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { shown } from '../errors.ts';
import { isPlainObject, MAX_MESSAGE_DEPTH, MESSAGES_PER_ARRAY, MESSAGES_PER_MAP, ownOf } from './encode-value.ts';
import { fitsInt64 } from './int64.ts';
import type { Walk } from './walk.ts';

/** At most one of the fields is set. */
export interface AnyValueJson {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values: readonly AnyValueJson[] };
  readonly kvlistValue?: { readonly values: readonly KeyValueJson[] };
  readonly bytesValue?: string;
}

export interface KeyValueJson {
  /** Absent where it is empty. */
  readonly key: string | undefined;
  readonly value: AnyValueJson;
}

/** The attributes of one owner, and how many were left out: as `writeAttributes` has it, in JSON. */
export interface AttributesJson {
  readonly attributes: KeyValueJson[];
  readonly leftOut: number;
}

/** @throws Error where a value is circular, nested too deep, or too many. */
export function attributesJson(walk: Walk, given: unknown, depth: number): AttributesJson {
  const attributes: KeyValueJson[] = [];
  let leftOut = 0;
  const own = ownOf(given ?? {});
  for (const key in own) {
    walk.attribute = key;
    walk.spend(0, key.length);
    const value = anyValue(walk, own[key], depth);
    if (value === undefined) leftOut += 1;
    else attributes.push({ key: key.toWellFormed() || undefined, value });
  }
  return { attributes, leftOut };
}

/** `undefined` where OTLP has no form for the value, or for one inside it. */
function anyValue(walk: Walk, value: unknown, depth: number): AnyValueJson | undefined {
  walk.spend(1, typeof value === 'string' ? value.length : 0);
  switch (typeof value) {
    case 'string':
      return { stringValue: value.toWellFormed() };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return numberJson(value);
    case 'bigint':
      return fitsInt64(value) ? { intValue: value.toString() } : { stringValue: value.toString() };
    case 'undefined':
      return {};
    case 'object':
      return value === null ? {} : objectJson(walk, value, depth);
    default:
      return undefined;
  }
}

function numberJson(value: number): AnyValueJson {
  if (Object.is(value, -0)) return { doubleValue: '-0' };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}

function objectJson(walk: Walk, value: object, depth: number): AnyValueJson | undefined {
  const isArray = Array.isArray(value);
  if (!isArray && types.isUint8Array(value)) return bytesJson(walk, value);
  if (walk.ancestors.includes(value)) throw new Error(`its attribute ${shown(walk.attribute)} is circular`);
  const inside = depth + (isArray ? MESSAGES_PER_ARRAY : MESSAGES_PER_MAP);
  if (inside > MAX_MESSAGE_DEPTH) throw new Error(`its attribute ${shown(walk.attribute)} is nested too deep`);
  walk.ancestors.push(value);
  const json = isArray ? arrayJson(walk, value, inside) : mapJson(walk, value, inside);
  walk.ancestors.pop();
  return json;
}

function bytesJson(walk: Walk, value: Uint8Array): AnyValueJson {
  const copy = Buffer.from(new Uint8Array(value).buffer);
  walk.spend(1, copy.length);
  return { bytesValue: copy.toString('base64') };
}

function arrayJson(walk: Walk, items: readonly unknown[], depth: number): AnyValueJson | undefined {
  const values: AnyValueJson[] = [];
  for (let index = 0; index < items.length; index++) {
    const value = anyValue(walk, items[index], depth);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return { arrayValue: values.length > 0 ? { values } : ({} as { values: [] }) };
}

function mapJson(walk: Walk, map: object, depth: number): AnyValueJson | undefined {
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return undefined;
  const values: KeyValueJson[] = [];
  for (const key of keys) {
    walk.spend(0, key.length);
    const value = anyValue(walk, (map as Record<string, unknown>)[key], depth);
    if (value === undefined) return undefined;
    values.push({ key: key.toWellFormed() || undefined, value });
  }
  return { kvlistValue: values.length > 0 ? { values } : ({} as { values: [] }) };
}
