const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get;

/** Whether a value is a `Uint8Array`, of another realm, too. It cannot be feigned: the getter reads what the engine knows. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return kindOf?.call(value) === 'Uint8Array';
}
