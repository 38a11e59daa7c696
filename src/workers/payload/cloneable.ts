/** What structured cloning copies as a whole. */
type Whole =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView;

/**
 * The part of a type that can be sent to another thread: values, arrays, plain objects, maps, sets, dates, errors and bytes. Functions and symbols, and with them objects that have methods, become `never`; so
 * `T extends Cloneable<T>` holds for what can be sent.
 */
export type Cloneable<T> = T extends Whole
  ? T
  : T extends symbol | ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
    ? never
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<Cloneable<K>, Cloneable<V>>
      : T extends ReadonlySet<infer V>
        ? ReadonlySet<Cloneable<V>>
        : T extends object
          ? { [K in keyof T]: Cloneable<T[K]> }
          : T;
