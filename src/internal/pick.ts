/** The named properties of an object. */
export function pick<O extends object, K extends keyof O>(object: O, names: readonly K[]): Pick<O, K> {
  return Object.fromEntries(names.map((name) => [name, object[name]])) as Pick<O, K>;
}

/** The object without the named properties. */
export function omit<O extends object>(object: O, names: readonly string[]): O {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name))) as O;
}
