/** Of larger bodies there are few, and their garbage would cost more than it saves. */
const MOST_BYTES = 16 * 1024 * 1024;
const SLOT_BYTES = 8;
/** In one array: the engine puts large ones elsewhere. */
const MOST_SLOTS = 8 * 1024;

/** The last array, so that no compiler leaves it out. */
export let young: readonly unknown[] = [];

/**
 * Makes as much garbage on the heap as a body takes outside of it, unless the body is very large: with less, a program with a large
 * young space has many bodies by the time that it is full.
 *
 * The engine collects young objects, and the bodies that they hold, as soon as its young space is full, which costs little
 * where most are dead. A body itself takes no place there. Bodies alone therefore stay until they are so many that the engine walks
 * through the whole heap of the program (`test/process/bodies.test.ts` counts both).
 */
export function makeYoung(bodyBytes: number): void {
  if (bodyBytes > MOST_BYTES) return;
  for (let slots = Math.ceil(bodyBytes / SLOT_BYTES); slots > 0; slots -= MOST_SLOTS)
    young = new Array(Math.min(slots, MOST_SLOTS));
}
