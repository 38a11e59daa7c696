/** A browser does not tell the limit of its heap. The least of those in use has more than this. */
const BROWSER_HEAP_BYTES = 256 * 1024 * 1024;

let heapLimit: number | undefined;

/** V8 is asked when it is first needed, which is not at the start of a program: `node:v8` takes 3 ms to load. */
export function heapLimitBytes(): number {
  const v8 = () => globalThis.process?.getBuiltinModule?.('node:v8');
  heapLimit ??= v8()?.getHeapStatistics().heap_size_limit ?? BROWSER_HEAP_BYTES;
  return heapLimit;
}

/** This many items are let in whatever the heap limit is, so that V8 need not be asked for it. */
const PLACES_IN_ANY_HEAP = 1_024;

/** Whether `waiting` items that are not measured yet are as many as the heap has places for: one for each 20 KiB of V8's heap limit, up to `atMost`. */
export function fillsHeap(waiting: number, atMost: number): boolean {
  return waiting >= PLACES_IN_ANY_HEAP && waiting >= placesInHeap(atMost);
}

/** How many items that are not measured yet the heap has places for. */
export function placesInHeap(atMost: number): number {
  return Math.max(PLACES_IN_ANY_HEAP, Math.min(atMost, Math.floor(heapLimitBytes() / 20_480)));
}
