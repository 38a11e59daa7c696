/**
 * The path of a package. It throws where the package is not installed.
 *
 * @param folder from which it is looked for; left out, from here
 */
export function find(name: string, folder?: string): string;
/** Loads what is at a path, or throws. */
export function load(path: string): unknown;
