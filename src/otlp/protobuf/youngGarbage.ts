/** Larger bodies are rare, and as much garbage would cost more than it saves. */
const MOST_BYTES = 16 * 1024 * 1024;
const SLOT_BYTES = 8;
/** The slots of one array: V8 allocates larger arrays outside of its young space. */
const MOST_SLOTS = 8 * 1024;

/** The last array that was made. It is exported so that no compiler removes the allocation. */
export let lastGarbage: readonly unknown[] = [];

/**
 * Makes as much garbage on the heap as a body takes outside of it, unless the body is very large, so that V8 frees used bodies early.
 *
 * V8 collects young objects, and the bodies that they hold, when its young space is full. That is cheap where most of them are dead.
 * A body itself takes no room there: without the garbage, dead bodies would stay until V8 traverses the whole heap of the program
 * (`test/process/bodies.test.ts` counts both). With less garbage, a program with a large young space would keep many bodies until it is full.
 */
export function makeYoung(bodyBytes: number): void {
  if (bodyBytes > MOST_BYTES) return;
  for (let slots = Math.ceil(bodyBytes / SLOT_BYTES); slots > 0; slots -= MOST_SLOTS)
    lastGarbage = new Array(Math.min(slots, MOST_SLOTS));
}
