import type { ThreadEntry } from '../../workers/thread/thread.ts';

/** From the sources of this repository. The build puts a module in the place of this one that holds the code of the thread, as it does for the pool of `workers/`. */
export function threadEntry(): ThreadEntry {
  return { main: new URL('./bootstrap.ts', import.meta.url), eval: false };
}
