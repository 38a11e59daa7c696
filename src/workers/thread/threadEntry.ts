/** What a thread runs: a file, or its code. */
export interface ThreadEntry {
  readonly main: URL | string;
  /** Whether `main` is code. */
  readonly eval: boolean;
}

/** From the sources of this repository. The build puts a module in the place of this one that holds the code of the thread: so it is found wherever a bundler puts it. */
export function threadEntry(): ThreadEntry {
  return { main: new URL('./bootstrap.ts', import.meta.url), eval: false };
}
